/** A date within its year: as long as it is uncertain, a point if it is known to the day. */
export function Track({ earliest, latest }: { earliest: string; latest: string }) {
  const [from, until] = [dayOf(earliest), dayOf(latest) + 1];
  return (
    <svg className="track" viewBox="0 0 366 12" preserveAspectRatio="none" aria-hidden="true">
      {MONTHS.map((day) => (
        <line key={day} x1={day} x2={day} y1={4} y2={8} />
      ))}
      <rect
        x={from}
        y={1}
        width={Math.max(until - from, 4)}
        height={10}
        className={until - from > 1 ? 'uncertain' : ''}
      />
    </svg>
  );
}

const DAY = 86_400_000;

/** The day within its year. */
function dayOf(date: string): number {
  const day = new Date(date);
  return Math.round((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / DAY);
}

/** The days on which months begin. */
const MONTHS = Array.from({ length: 13 }, (_, month) => Math.round(month * 30.44));
