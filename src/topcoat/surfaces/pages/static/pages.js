// Says instants in the reader's own zone and manner; without it pages say them in UTC.
const { lang } = document.documentElement;
const variety = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === lang) ?? lang;
const manner = new Intl.DateTimeFormat(variety, { dateStyle: "medium", timeStyle: "medium" });

for (const element of document.querySelectorAll("time[datetime]")) {
  const instant = new Date(element.dateTime);
  if (!Number.isNaN(instant.getTime())) {
    element.title = element.textContent;
    element.textContent = manner.format(instant);
  }
}
