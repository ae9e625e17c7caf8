// Says instants in the reader's own zone and manner; without it pages say them in UTC.
const manner = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });

for (const element of document.querySelectorAll("time[datetime]")) {
  const instant = new Date(element.dateTime);
  if (!Number.isNaN(instant.getTime())) {
    element.title = element.textContent;
    element.textContent = manner.format(instant);
  }
}
