/** What differs between two reads of a profile, as sentences for those who do not see it happen. */

import { columnLabel } from "./format.js";
import { isChanged } from "./profile.js";

const MOST_NAMED = 3;
const LONGEST_VALUE = 80;

export function sentencesOf(before, after, { say, formats }) {
  const known = new Map(before.columns.map((column) => [column.name, column]));
  const differing = after.columns.filter((column) => {
    const old = known.get(column.name);
    return old !== undefined && JSON.stringify(old.value) !== JSON.stringify(column.value);
  });
  if (differing.length > MOST_NAMED) return [say("manyChanged", { count: differing.length })];
  return differing.map((column) => {
    const isBack = isChanged(known.get(column.name)) && !isChanged(column);
    const value = (formats.value(column.type, column.value) ?? say("noValue")).slice(0, LONGEST_VALUE);
    return say(isBack ? "handedBack" : "becameValue", { label: columnLabel(column.name), value });
  });
}
