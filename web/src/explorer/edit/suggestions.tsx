import { locale } from '../texts';

const LANGUAGES =
  'ar az be bg bn bs ca cs da de el en es et fa fi fr ga he hi hr hu hy id is it ja ka kk ko ky lt lv mk mn ms nl no pa pl ps pt ro ru sk sl sq sr sv sw ta tg th tk tr uk ur uz vi zh zh-Hans zh-Hant';
const SCRIPTS = 'Arab Armn Beng Cyrl Deva Ethi Geor Grek Hang Hans Hant Hebr Jpan Kore Latn Mong Taml Thai';
/** Registers that identify actors and topics. */
const SCHEMES = 'cap eurovoc gnd iso3166-1-alpha2 iso3166-1-alpha3 isni lei viaf wikidata';

/** What fields of a certain form suggest as one types. */
export const Suggestions = () => (
  <>
    <List id="languages" of={LANGUAGES.split(' ')} type="language" />
    <List id="scripts" of={SCRIPTS.split(' ')} type="script" />
    <List id="schemes" of={SCHEMES.split(' ')} />
    <List id="currencies" of={Intl.supportedValuesOf('currency')} type="currency" />
  </>
);

interface Props {
  id: string;
  of: string[];
  /** What the codes are of, if the browser knows their names. */
  type?: 'language' | 'script' | 'currency';
}

function List({ id, of, type }: Props) {
  const names = type && new Intl.DisplayNames(locale, { type });
  return (
    <datalist id={id}>
      {of.map((code) => (
        <option key={code} value={code} label={names?.of(code)} />
      ))}
    </datalist>
  );
}
