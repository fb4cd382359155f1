import { useTitle } from '../frame/title';
import * as lists from '../lists/lists';
import { typeAt } from '../parts/record-link';
import { useAddress } from '../router';
import { t } from '../texts';

/** All records of a type. */
export default function Browse() {
  const type = typeAt(useAddress().segments[0] ?? '') ?? 'Actor';
  const name = t.types[type].many;
  useTitle(name);
  return (
    <div className="view">
      <h1 className="browse">{name}</h1>
      {listOf(type)}
    </div>
  );
}

function listOf(type: NonNullable<ReturnType<typeof typeAt>>) {
  const said = { title: t.all, empty: t.noneYet };
  switch (type) {
    case 'Actor':
      return <lists.Actors {...said} orderBy="NAME_ASC" />;
    case 'Commentary':
      return <lists.Commentaries {...said} orderBy="ORDINAL_ASC" />;
    case 'Division':
      return <lists.Divisions {...said} orderBy="DATE_DESC" />;
    case 'Event':
      return <lists.Events {...said} orderBy="DATE_DESC" />;
    case 'Meeting':
      return <lists.Meetings {...said} orderBy="DATE_DESC" />;
    case 'Motion':
      return <lists.Motions {...said} orderBy="DATE_DESC" />;
    case 'Position':
      return <lists.Positions {...said} orderBy="HELD_DESC" />;
    case 'Relation':
      return <lists.Relations {...said} orderBy="DATE_DESC" />;
    case 'Source':
      return <lists.Sources {...said} orderBy="TITLE_ASC" />;
    case 'Statement':
      return <lists.Statements {...said} orderBy="DATE_DESC" />;
    case 'Topic':
      return <lists.Topics {...said} orderBy="NAME_ASC" />;
    case 'Vote':
      return <lists.Votes {...said} orderBy="ENTERED_DESC" />;
  }
}
