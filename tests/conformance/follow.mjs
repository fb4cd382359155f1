// Both clients: subscribe to changes, make some, and compare what arrives.

// The last result of an operation.
export function run(client, request) {
  return new Promise((resolve, reject) => {
    let last;
    client.subscribe(request, {
      next: (result) => (last = result),
      error: reject,
      complete: () => resolve(last),
    });
  });
}

export async function follow(client, run) {
  const { data } = await run({ query: '{ revisions(last: 1) { edges { node { number } } } }' });
  const since = data.revisions.edges[0].node.number;
  const query = `subscription($since: RevisionNumber) {
    changes(since: $since, types: [TOPIC]) { operation revision record { slug } } }`;
  const received = [];
  const end = withResolvers();
  const stop = client.subscribe(
    { query, variables: { since } },
    {
      next: ({ data, errors }) => {
        if (errors) return end.reject(new Error(JSON.stringify(errors)));
        received.push(`${data.changes.operation} ${data.changes.record?.slug}`);
        if (received.length === 6) end.resolve();
      },
      error: end.reject,
      complete: () => end.reject(new Error('it ended')),
    },
  );
  for (const slug of ['one', 'two', 'three']) {
    const create = 'mutation($slug: String!) { createTopic(input: {slug: $slug, name: $slug}) { userErrors { message } } }';
    await run({ query: create, variables: { slug } });
    const update = `mutation($slug: String!) {
      updateTopic(input: {topic: {slug: $slug}, name: "renamed"}) { userErrors { message } } }`;
    await run({ query: update, variables: { slug } });
  }
  await end.promise;
  stop();
  const expected = ['one', 'two', 'three'].flatMap((slug) => [`CREATE ${slug}`, `UPDATE ${slug}`]).join();
  if (received.join() !== expected) throw new Error(`received ${received.join()}`);
}

function withResolvers() {
  const end = {};
  end.promise = new Promise((resolve, reject) => Object.assign(end, { resolve, reject }));
  return end;
}
