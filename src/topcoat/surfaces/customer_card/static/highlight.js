const LASTS_MS = 2_500;

/** For a moment; how it looks, and that it does not move for those who want no motion, is the stylesheet's business. */
export function highlight(node, kind) {
  node.dataset.highlight = kind;
  setTimeout(() => {
    if (node.dataset.highlight === kind) delete node.dataset.highlight;
  }, LASTS_MS);
}
