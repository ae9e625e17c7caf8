"""Who is who from refresh to refresh: clusters keep the ids that their records had (S18, S19)."""

import itertools
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.unify import assignment

_SEPARATOR: Final = ";"
_HAS: Final = 2**32  # there are fewer records


@dataclass(frozen=True, slots=True)
class Identity:
    """Of one generation: `key_ring` (source_table, source_key, customer_id), `aliases` (alias_id, customer_id), and
    `previous` (customer_id, previous_ids), of profiles that have any.

    `ended`, like `key_ring`, has what records that are gone were last, as far as is known.
    """

    key_ring: ir.Table
    aliases: ir.Table
    previous: ir.Table
    ended: ir.Table | None = None


def identify(engine: Engine, clusters: ir.Table, earlier: Identity) -> Identity:
    """The identity that `clusters` (source_table, source_key, cluster) give the generation after `earlier`.

    Nothing depends on what clusters are called, nor on the order of rows and tables.
    """
    members = engine.keep("identity_members", _members(clusters))
    shared = engine.keep("identity_shared", _shared(members, _claims(earlier)))
    kept = engine.keep("identity_kept", assignment.assign(engine, shared))
    unnamed = engine.keep("identity_unnamed", members.select("lowest").distinct().anti_join(kept, "lowest"))
    fresh = engine.keep("identity_fresh", _fresh(engine, unnamed, earlier))
    named = kept.union(fresh)
    lost = engine.keep("identity_lost", _lost(shared, kept, named))
    heirs = lost.union(kept.select("customer_id", heir=kept.customer_id))
    key_ring = members.join(named, "lowest").select("source_table", "source_key", "customer_id")
    return Identity(
        key_ring=engine.keep("identity_key_ring", key_ring),
        aliases=engine.keep("identity_aliases", _aliases(earlier.aliases, lost, heirs)),
        previous=engine.keep("identity_previous", _previous(earlier.previous, shared, fresh, lost, heirs)),
    )


def _members(clusters: ir.Table) -> ir.Table:
    """Records (source_table, source_key, lowest) under the lowest record of their cluster."""
    marked = clusters.mutate(mark=clusters.source_table + "|" + clusters.source_key)
    named = marked.group_by("cluster").aggregate(lowest=marked.mark.min())
    return clusters.join(named, "cluster").select("source_table", "source_key", "lowest")


def _claims(earlier: Identity) -> ir.Table:
    """Records that come back ask for the id that they had, unless it means somebody; who has one outweighs them all."""
    has = earlier.key_ring.mutate(weight=ibis.literal(_HAS, "int64"))
    if earlier.ended is None:
        return has
    taken = ibis.union(has.select("customer_id"), earlier.aliases.select(customer_id="alias_id"))
    had = earlier.ended.anti_join(taken, "customer_id")
    return has.union(had.select(*earlier.key_ring.columns, weight=ibis.literal(1, "int64")))


def _shared(members: ir.Table, claims: ir.Table) -> ir.Table:
    """How many records of a cluster had an id, as a weight."""
    found = members.join(claims, ["source_table", "source_key"])
    return found.group_by("lowest", "customer_id").aggregate(records=found.weight.sum())


def _known(earlier: Identity) -> ir.Table:
    """Every id that ever meant somebody, as far as is known."""
    ids = (
        earlier.key_ring.select("customer_id"),
        earlier.aliases.select("customer_id"),
        earlier.aliases.select(customer_id="alias_id"),
        earlier.previous.select("customer_id"),
        _listed(earlier.previous).select(customer_id="previous_id"),
    )
    ended = [] if earlier.ended is None else [earlier.ended.select("customer_id")]
    return ibis.union(*ids, *ended)


def _fresh(engine: Engine, unnamed: ir.Table, earlier: Identity) -> ir.Table:
    """Ids (lowest, customer_id) made of the lowest record and a number, the first that is not known yet."""
    given = [unnamed.select("lowest", customer_id="lowest").limit(0)]
    for number in itertools.count():
        if not engine.count(unnamed):
            break
        made = unnamed.mutate(customer_id=(unnamed.lowest + f"|{number}").hexdigest("md5"))
        proposed = engine.keep(f"identity_proposed_{number}", made)
        known = proposed.semi_join(_known(earlier), "customer_id").drop("customer_id")
        unnamed = engine.keep(f"identity_unnamed_{number}", known)
        given.append(proposed.anti_join(unnamed, "lowest"))
    return ibis.union(*given)


def _lost(shared: ir.Table, kept: ir.Table, named: ir.Table) -> ir.Table:
    """Ids that no cluster keeps though it has records of theirs, with their `heir`: whoever has the most."""
    claims = shared.anti_join(kept, "customer_id").join(named.select("lowest", heir="customer_id"), "lowest")
    first = ibis.window(group_by="customer_id", order_by=[ibis.desc("records"), "heir"])
    ranked = claims.mutate(place=ibis.row_number().over(first))
    return ranked.filter(ranked.place == 0).select("customer_id", "heir")


def _aliases(earlier: ir.Table, lost: ir.Table, heirs: ir.Table) -> ir.Table:
    """Lost ids, and what led to an id that still means somebody; the rest ends."""
    led_on = earlier.join(heirs, "customer_id").select("alias_id", customer_id="heir")
    return led_on.union(lost.select(alias_id="customer_id", customer_id="heir"))


def _previous(earlier: ir.Table, shared: ir.Table, fresh: ir.Table, lost: ir.Table, heirs: ir.Table) -> ir.Table:
    """What the id had and what lost ids had, with these; of a part that was split off, whence it came."""
    inherited = _listed(earlier).join(heirs, "customer_id").select("previous_id", customer_id="heir")
    merged = lost.select(previous_id="customer_id", customer_id="heir")
    split = fresh.join(shared.select("lowest", previous_id="customer_id"), "lowest").select(
        "previous_id", "customer_id"
    )
    listed = ibis.union(inherited, merged, split, distinct=True)
    others = listed.filter(listed.previous_id != listed.customer_id)
    joined = others.previous_id.group_concat(_SEPARATOR, order_by="previous_id")
    return others.group_by("customer_id").aggregate(previous_ids=joined)


def _listed(previous: ir.Table) -> ir.Table:
    """One row (customer_id, previous_id) for each id of the text."""
    parts = previous.select("customer_id", previous_id=previous.previous_ids.split(_SEPARATOR).unnest())
    trimmed = parts.mutate(previous_id=parts.previous_id.strip())
    return trimmed.filter(trimmed.previous_id != "")
