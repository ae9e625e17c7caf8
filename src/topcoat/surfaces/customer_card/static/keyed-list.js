/**
 * Children that follow a list of items by key: what stays keeps its node, and with it focus and scroll position.
 *
 * A view has a `node` and a method `update(item)`.
 */
export class KeyedList {
  parent;
  #keyOf;
  #create;
  #views = new Map();

  constructor(parent, { keyOf, create }) {
    this.parent = parent;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  get size() {
    return this.#views.size;
  }

  /** The views that are new, in the order of the items. */
  update(items) {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, view] of this.#views) if (!keys.has(key)) this.#drop(key, view);
    const added = [];
    let place = this.parent.firstElementChild;
    for (const item of items) {
      const view = this.#viewOf(item, added);
      if (view.node === place) place = place.nextElementSibling;
      else this.parent.insertBefore(view.node, place);
    }
    return added;
  }

  #viewOf(item, added) {
    const key = this.#keyOf(item);
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#create(item);
      this.#views.set(key, view);
      added.push(view);
    }
    view.update(item);
    return view;
  }

  #drop(key, view) {
    this.#views.delete(key);
    view.leave?.();
    view.node.remove();
  }
}
