/** The texts of the card in the reader's language. Another language is another file in `texts/`, named here. */

const LANGUAGES = ["en", "de"];

/** The first language wanted that there is, the locale to format by, and `say(key, values)`. */
export async function textsFor(wanted) {
  const locale = wanted.find((tag) => LANGUAGES.includes(primary(tag))) ?? "en";
  const language = primary(locale);
  const { texts } = await import(`./texts/${language}.js`);
  const plurals = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(locale);
  const say = (key, values = {}) => filled(formOf(texts[key], values, plurals), values, numbers);
  return { language, locale, say };
}

/** What `lang` asks for, in the variety that the reader uses, and then what the reader's browser asks for. */
export function languagesWanted(lang) {
  const ofReader = [...(navigator.languages ?? [navigator.language])].filter(isLocale);
  if (!lang || !isLocale(lang)) return ofReader;
  return [
    ...(lang.includes("-") ? [] : ofReader.filter((tag) => primary(tag) === lang.toLowerCase())),
    lang,
    ...ofReader,
  ];
}

function formOf(text, { count }, plurals) {
  return typeof text === "string" ? text : (text[plurals.select(count)] ?? text.other);
}

function filled(text, values, numbers) {
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? numbers.format(value) : value;
  });
}

function primary(tag) {
  return tag.split("-")[0].toLowerCase();
}

function isLocale(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
