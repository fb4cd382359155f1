/** How strongly two actors push each other away. */
const STRENGTH = 420;
/** Actors further apart than this leave each other alone. */
const REACH = 1200 ** 2;
/** A square of actors counts as one if it is seen smaller than this: its width over its distance, squared. */
const BROAD = 1.2 ** 2;
/** Of the few, each counts for itself more often. */
const NARROW = 0.9 ** 2;
const FEW = 300;
/** Squares are not divided any further: actors in them are in the same place. */
const DEEPEST = 24;
const NONE = -1;

/**
 * What keeps actors apart. Those far away count as one in their middle (Barnes and Hut, 1986): a square that has several
 * is divided into four. All squares stand in a few arrays, as objects would take several times as long.
 */
export class Repulsion {
  readonly #theta: number;
  /** Of each square: the first of its four parts, or none; and the first of its actors, if it has no parts. */
  readonly #parts: Int32Array;
  readonly #first: Int32Array;
  /** The next actor in the same place. */
  readonly #next: Int32Array;
  /** Of each square: how many actors it has, and their middle. */
  readonly #mass: Float32Array;
  readonly #x: Float32Array;
  readonly #y: Float32Array;
  readonly #width: Float32Array;
  #squares = 0;
  readonly #stack = new Int32Array(4 * DEEPEST + 8);

  constructor(actors: number) {
    this.#theta = actors > FEW ? BROAD : NARROW;
    // Uneven layouts divide more often; what has no square of its own shares one.
    const most = 8 * actors + 64;
    this.#parts = new Int32Array(most);
    this.#first = new Int32Array(most);
    this.#next = new Int32Array(actors);
    this.#mass = new Float32Array(most);
    this.#x = new Float32Array(most);
    this.#y = new Float32Array(most);
    this.#width = new Float32Array(most);
  }

  /** Adds to the speeds of all actors what pushes them apart. */
  push(places: Float32Array, speeds: Float32Array, warmth: number) {
    this.#divide(places);
    this.#weigh(places);
    const strength = STRENGTH * warmth;
    const [parts, first, next, mass, stack] = [this.#parts, this.#first, this.#next, this.#mass, this.#stack];
    const [middleX, middleY, width, theta] = [this.#x, this.#y, this.#width, this.#theta];
    for (let actor = 0; actor < places.length / 2; actor++) {
      const [atX, atY] = [places[2 * actor]!, places[2 * actor + 1]!];
      let [speedX, speedY] = [0, 0];
      let left = 1;
      stack[0] = 0;
      while (left > 0) {
        const square = stack[--left]!;
        if (mass[square] === 0) continue;
        let x = middleX[square]! - atX;
        let y = middleY[square]! - atY;
        let distance = x * x + y * y;
        const side = width[square]!;
        if (side * side < theta * distance) {
          if (distance >= REACH) continue;
          const push = (strength * mass[square]!) / Math.max(distance, Math.sqrt(distance));
          speedX -= x * push;
          speedY -= y * push;
          continue;
        }
        const part = parts[square]!;
        if (part !== NONE) {
          stack[left++] = part;
          stack[left++] = part + 1;
          stack[left++] = part + 2;
          stack[left++] = part + 3;
          continue;
        }
        for (let other = first[square]!; other !== NONE; other = next[other]!) {
          if (other === actor) continue;
          // Actors in the same place are pushed apart in a direction that is the same at every try.
          x = places[2 * other]! - atX || (other < actor ? -1e-3 : 1e-3);
          y = places[2 * other + 1]! - atY || (other < actor ? -1e-3 : 1e-3);
          distance = x * x + y * y;
          if (distance >= REACH) continue;
          const push = strength / Math.max(distance, Math.sqrt(distance));
          speedX -= x * push;
          speedY -= y * push;
        }
      }
      speeds[2 * actor]! += speedX;
      speeds[2 * actor + 1]! += speedY;
    }
  }

  /** Divides the plane into squares, until each has one actor. */
  #divide(places: Float32Array) {
    const [parts, first, next, mass] = [this.#parts, this.#first, this.#next, this.#mass];
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let at = 0; at < places.length; at += 2) {
      left = Math.min(left, places[at]!);
      right = Math.max(right, places[at]!);
      top = Math.min(top, places[at + 1]!);
      bottom = Math.max(bottom, places[at + 1]!);
    }
    this.#squares = 0;
    this.#add(1, Math.max(right - left, bottom - top, 1) * 1.001);
    for (let actor = 0; actor < places.length / 2; actor++) {
      const [x, y] = [places[2 * actor]!, places[2 * actor + 1]!];
      let [square, cornerX, cornerY, half] = [0, left, top, this.#width[0]! / 2];
      for (let depth = 0; ; depth++) {
        mass[square]! += 1;
        if (parts[square] === NONE) {
          const other = first[square]!;
          if (other === NONE || depth === DEEPEST || !this.#hasRoom()) {
            next[actor] = other;
            first[square] = actor;
            break;
          }
          // It goes one square down, and this one after it.
          const part = this.#squares;
          this.#add(4, half);
          parts[square] = part;
          first[square] = NONE;
          const [otherX, otherY] = [places[2 * other]!, places[2 * other + 1]!];
          const below = part + (otherX >= cornerX + half ? 1 : 0) + (otherY >= cornerY + half ? 2 : 0);
          first[below] = other;
          mass[below] = 1;
        }
        const [isRight, isLow] = [x >= cornerX + half, y >= cornerY + half];
        square = parts[square]! + (isRight ? 1 : 0) + (isLow ? 2 : 0);
        if (isRight) cornerX += half;
        if (isLow) cornerY += half;
        half /= 2;
      }
    }
  }

  /** Finds the middle of the actors of each square: those of parts come first, as they were added later. */
  #weigh(places: Float32Array) {
    const [parts, first, next, mass] = [this.#parts, this.#first, this.#next, this.#mass];
    const [middleX, middleY] = [this.#x, this.#y];
    for (let square = this.#squares - 1; square >= 0; square--) {
      if (mass[square] === 0) continue;
      let [x, y] = [0, 0];
      const part = parts[square]!;
      if (part === NONE)
        for (let actor = first[square]!; actor !== NONE; actor = next[actor]!) {
          x += places[2 * actor]!;
          y += places[2 * actor + 1]!;
        }
      else
        for (let one = part; one < part + 4; one++) {
          x += middleX[one]! * mass[one]!;
          y += middleY[one]! * mass[one]!;
        }
      middleX[square] = x / mass[square]!;
      middleY[square] = y / mass[square]!;
    }
  }

  #hasRoom() {
    return this.#squares + 4 <= this.#parts.length;
  }

  #add(count: number, width: number) {
    for (const end = this.#squares + count; this.#squares < end; this.#squares++) {
      this.#parts[this.#squares] = NONE;
      this.#first[this.#squares] = NONE;
      this.#mass[this.#squares] = 0;
      this.#x[this.#squares] = 0;
      this.#y[this.#squares] = 0;
      this.#width[this.#squares] = width;
    }
  }
}
