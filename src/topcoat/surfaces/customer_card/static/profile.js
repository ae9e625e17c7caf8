/** The profile tile: indexed fields first, additional fields, ids by table. */

import { element, setText } from "./elements.js";
import { columnLabel } from "./format.js";
import { highlight } from "./highlight.js";
import { KeyedList } from "./keyed-list.js";
import { LimitedList } from "./limited-list.js";
import { addressOf } from "./links.js";
import { Mark } from "./provenance.js";
import { ValueText } from "./value.js";

const MOST_FIELDS = 16;
const keyOfColumn = (column) => column.name;

export class ProfileTile {
  node;
  #context;
  #indexed;
  #other;
  #keyColumns;
  #keys;
  #otherTitle = element("summary", {});
  #otherBox;
  #none;
  #origin = element("p", { class: "muted origin", part: "origin" });

  constructor(context) {
    this.#context = context;
    const { say } = context;
    const create = () => new FieldRow(context);
    this.#indexed = new LimitedList(context, fieldList("fields"), { keyOf: keyOfColumn, create, limit: MOST_FIELDS });
    this.#other = new KeyedList(fieldList("additional"), { keyOf: keyOfColumn, create });
    const ids = fieldList("ids");
    this.#keyColumns = new KeyedList(ids, { keyOf: keyOfColumn, create });
    const keys = fieldList("ids-by-table");
    this.#keys = new KeyedList(keys, {
      keyOf: (key) => `${key.dataSource}/${key.table}`,
      create: () => new KeyRow(context),
    });
    this.#otherBox = element("details", { "data-section": "additional" }, this.#otherTitle, this.#other.parent);
    this.#none = element("p", { class: "muted", hidden: true }, say("noFields"));
    this.node = element(
      "section",
      { class: "panel", part: "profile", "data-section": "profile", "aria-labelledby": "profile-title" },
      element("h3", { id: "profile-title" }, say("profile")),
      ...this.#indexed.nodes,
      this.#none,
      this.#otherBox,
      element("details", { "data-section": "ids" }, element("summary", {}, say("ids")), ids, keys),
      this.#origin,
    );
  }

  update(profile) {
    const { say, formats } = this.#context;
    const fields = profile.columns.filter((column) => !column.isKey);
    const indexed = fields.filter((column) => column.isIndexed);
    const other = fields.filter((column) => !column.isIndexed);
    this.#indexed.update(indexed);
    this.#other.update(other);
    this.#keyColumns.update(keyColumns(profile));
    this.#keys.update(profile.keys);
    setText(this.#otherTitle, say("otherFields", { count: other.length }));
    this.#otherBox.hidden = other.length === 0;
    this.#none.hidden = indexed.length > 0;
    this.#origin.hidden = profile.refreshedAt === null;
    if (profile.refreshedAt === null) return;
    setText(this.#origin, say("fromRefresh", { instant: formats.shortInstant(profile.refreshedAt) }));
  }
}

/** A column's name, its value, and a mark where the value is not the refresh's. */
class FieldRow {
  node = element("div", { class: "row", part: "field" });
  #context;
  #name = element("dt", {});
  #value;
  #mark;
  #shown = null;

  constructor(context) {
    this.#context = context;
    this.#value = new ValueText(context);
    const content = element("dd", {}, this.#value.node);
    this.#mark = new Mark(context, this.node, content);
    this.node.append(this.#name, content);
  }

  update(column) {
    const key = JSON.stringify(column);
    if (key === this.#shown?.key) return;
    const before = this.#shown?.column;
    this.#shown = { key, column };
    this.#show(column);
    if (before !== undefined && before.value !== column.value)
      highlight(this.node, isChanged(column) ? "changed" : "back");
  }

  #show(column) {
    const { say, formats } = this.#context;
    const label = columnLabel(column.name);
    this.node.dataset.column = column.name;
    this.node.dataset.source = column.source.source;
    this.#name.title = column.name;
    setText(this.#name, label);
    const text = formats.value(column.type, column.value);
    this.#value.update(text, column.type === "string" ? addressOf(text, column.role) : null);
    this.#mark.update(say("changedPart", { label }), factsOf([column]));
  }
}

/** The primary keys by which one source table knows the customer. */
class KeyRow {
  node = element("div", { class: "row", part: "field" });
  #context;
  #name = element("dt", { dir: "auto" });
  #value;

  constructor(context) {
    this.#context = context;
    this.#value = new ValueText(context);
    this.node.append(this.#name, element("dd", {}, this.#value.node));
  }

  update({ table, dataSource, keys }) {
    this.node.dataset.table = table;
    const short = table.startsWith(`${dataSource}_`) ? table.slice(dataSource.length + 1) : table;
    setText(this.#name, dataSource ? this.#context.say("idsOf", { table: short, source: dataSource }) : table);
    this.#value.update(keys.join("\n") || null);
  }
}

export function isChanged(column) {
  return column.source.source === "change";
}

export function factsOf(columns) {
  const changed = columns.filter(isChanged);
  return changed.map((column) => ({ label: columnLabel(column.name), type: column.type, source: column.source }));
}

/** The customer's own id first, and of the others those that no source table is listed with. */
function keyColumns(profile) {
  const listed = new Set(profile.keys.flatMap(({ keys }) => keys));
  const isMore = ({ isKey, value }) => isKey && value !== null && !listed.has(value);
  const columns = profile.columns.filter(isMore);
  if (columns.some((column) => column.value === profile.customerId)) return columns;
  const own = {
    name: "CustomerId",
    type: "string",
    value: profile.customerId,
    role: null,
    source: { source: "snapshot" },
  };
  return [own, ...columns];
}

function fieldList(name) {
  return element("dl", { class: "fields", "data-list": name });
}
