"""Generated git histories of which it is known who wrote what."""

from benchmarks.history.generate import generate
from benchmarks.history.truth import CommitTruth, History, Line, SessionTruth

__all__ = ["CommitTruth", "History", "Line", "SessionTruth", "generate"]
