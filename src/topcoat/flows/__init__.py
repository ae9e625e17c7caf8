"""What happens: one public function per use case; a flow opens the transaction and knows no HTTP and no SQL."""

from dataclasses import dataclass

from topcoat.flows.customer_rows import CustomerRows
from topcoat.flows.data_profiles import DataProfiles
from topcoat.flows.data_sources import DataSources
from topcoat.flows.hierarchies import Hierarchies
from topcoat.flows.ingest import Ingest
from topcoat.flows.insights import Insights
from topcoat.flows.instances import Instances
from topcoat.flows.inventory import Inventory
from topcoat.flows.jobs import Jobs
from topcoat.flows.jobs.runner import Runner
from topcoat.flows.jobs.scheduling import Schedules
from topcoat.flows.lifecycle import Lifecycle
from topcoat.flows.limits import Limits
from topcoat.flows.live_writes import LiveWrites
from topcoat.flows.permissions import Permissions
from topcoat.flows.query import Query
from topcoat.flows.reconciliation import Reconciliation
from topcoat.flows.relationships import Relationships
from topcoat.flows.search_index import SearchIndex
from topcoat.flows.service_clock import ServiceClockControl
from topcoat.flows.sign_in import SignIn
from topcoat.flows.usage import Usage
from topcoat.flows.watch import Watch


@dataclass(frozen=True, slots=True)
class Flows:
    """Everything a surface may ask for."""

    ingest: Ingest
    query: Query
    customer_rows: CustomerRows
    instances: Instances
    lifecycle: Lifecycle
    permissions: Permissions
    sign_in: SignIn
    inventory: Inventory
    search_index: SearchIndex
    insights: Insights
    relationships: Relationships
    hierarchies: Hierarchies
    jobs: Jobs
    schedules: Schedules
    reconciliation: Reconciliation
    runner: Runner
    service_clock: ServiceClockControl
    data_sources: DataSources
    data_profiles: DataProfiles
    usage: Usage
    limits: Limits
    watch: Watch
    live_writes: LiveWrites
