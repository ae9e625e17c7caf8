"""Figures in the text that Prometheus reads; its client library is loaded by the first who asks."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from topcoat.core import usage
from topcoat.core.usage import BOUNDS_SECONDS, Counted
from topcoat.flows.usage import ServiceFigures

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_COUNTERS: Final = {
    usage.CALLS: ("calls", "Calls answered.", ["operation", "status", "error"]),
    usage.RECEIVED_BYTES: ("received_bytes", "Bytes of bodies received.", ["operation"]),
    usage.SENT_BYTES: ("sent_bytes", "Bytes of bodies sent.", ["operation"]),
    usage.WRITES: ("writes", "Real-time writes committed.", ["kind"]),
    usage.BATCHES: ("batches", "Transactions that committed real-time writes.", []),
    usage.REFRESHES: ("refreshes", "Generations activated.", []),
    usage.CONFIRMED_CHANGES: ("confirmed_changes", "Changes of a column that a refresh confirmed.", []),
    usage.LOST_UPDATES: ("lost_updates", "Changes and activities that lapsed before the sources had them.", ["kind"]),
}


def exposed(figures: ServiceFigures) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector:
    """Hands figures over as the client library has them collected."""

    def __init__(self, figures: ServiceFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield self._seconds()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        for counter, (name, about, labels) in _COUNTERS.items():
            family = CounterMetricFamily(f"topcoat_{name}", about, labels=labels)
            for counted, value in self._figures.counts.items():
                if counted.name == counter:
                    family.add_metric(counted.labels, value)
            yield family

    def _seconds(self) -> Metric:
        counts = self._figures.counts
        family = HistogramMetricFamily(
            "topcoat_call_seconds", "Seconds until the answer was sent.", labels=["operation"]
        )
        bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
        for counted, microseconds in counts.items():
            if counted.name == usage.MICROSECONDS:
                (operation,) = counted.labels
                within = (
                    counts.get(Counted(usage.CALLS_WITHIN, (operation, str(place))), 0) for place in range(len(bounds))
                )
                buckets = list(zip(bounds, map(float, accumulate(within)), strict=True))
                family.add_metric([operation], buckets, sum_value=microseconds / 1_000_000)
        return family

    def _gauges(self) -> Iterator[Metric]:
        generation = GaugeMetricFamily("topcoat_generation", "The active generation.", labels=["instance"])
        age = GaugeMetricFamily(
            "topcoat_generation_age_seconds",
            "Seconds by the service clock since it was activated.",
            labels=["instance"],
        )
        changes = GaugeMetricFamily(
            "topcoat_unlapsed_changes",
            "Profile changes that have not lapsed, withdrawn ones included.",
            labels=["instance"],
        )
        outcomes = GaugeMetricFamily(
            "topcoat_reconciliation",
            "What the last refresh made of changes, column by column, and of activities.",
            labels=["instance", "kind", "outcome"],
        )
        for gauge in self._figures.gauges:
            changes.add_metric([gauge.instance], gauge.unlapsed_changes)
            if gauge.generation is not None and gauge.activated_at is not None:
                generation.add_metric([gauge.instance], gauge.generation)
                age.add_metric([gauge.instance], (self._figures.now - gauge.activated_at).total_seconds())
            for kind, counts in gauge.outcomes.items():
                for outcome, number in counts.items():
                    outcomes.add_metric([gauge.instance, kind, outcome], number)
        yield from (generation, age, changes, outcomes)
