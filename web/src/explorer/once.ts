/** A value that is made when it is first asked for: what formats dates and numbers takes long to make. */
export function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}
