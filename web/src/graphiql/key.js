// The key of the page: one field for all tabs, stored until the browser tab is closed.

const NAME = 'dossier:key';

export const chosenKey = () => sessionStorage.getItem(NAME) ?? '';

/** Calls `use` with each key that is entered, and shows what the server at `url` takes it for. */
export function onKeyChosen(url, use) {
  const form = document.getElementById('key');
  const [input, status] = [form.querySelector('input'), form.querySelector('output')];
  const check = async () => {
    status.textContent = await viewerOf(url, chosenKey());
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim().replace(/^bearer\s+/i, '');
    if (key === chosenKey()) return;
    sessionStorage.setItem(NAME, key);
    use(key);
    check();
  });
  input.addEventListener('change', () => form.requestSubmit());
  input.value = chosenKey();
  check();
}

async function viewerOf(url, key) {
  if (!key) return '';
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ query: '{ viewer { name role } }' }),
    });
    const { data, errors } = await response.json();
    if (errors) return errors[0].message;
    return `${data.viewer.name}, ${data.viewer.role.toLowerCase()}`;
  } catch {
    return 'The server can’t be reached.';
  }
}
