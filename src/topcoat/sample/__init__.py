"""Contoso Coffee, the sample environment: the same size gives the same bytes."""

from topcoat.sample.environment_text import INSTANCE_ID
from topcoat.sample.files import ENVIRONMENT_FILE, RAW_ENVIRONMENT_FILE, TRUTH_FILE, write_sample
from topcoat.sample.people import ABBIE_MOSS

ABBIE_MOSS_ID = ABBIE_MOSS.customer_id

__all__ = ["ABBIE_MOSS_ID", "ENVIRONMENT_FILE", "INSTANCE_ID", "RAW_ENVIRONMENT_FILE", "TRUTH_FILE", "write_sample"]
