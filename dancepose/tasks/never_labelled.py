"""What a run says its data's sources never labelled, for those who go on with it or score it."""

from dancepose.data.readers.sources import NeverLabelled
from dancepose.errors import DataError
from dancepose.tasks.run_directory import RunDirectory


def read_never_labelled(run: RunDirectory) -> dict[str, NeverLabelled] | None:
    """Return it by data set; None where the run does not say.

    Raises:
        DataError: its metrics.json is broken, or says it in another form.
    """
    found = run.read_metrics().get("never_labelled")
    if found is None:
        return None
    parts = list(found.values()) if isinstance(found, dict) else [found]
    if not all(isinstance(part, dict) and all(isinstance(k, list) for k in part.values()) for part in parts):
        raise DataError(
            f"{run.path / 'metrics.json'}: field 'never_labelled' must say of each data set and source which "
            'keypoints: {"dance": {"*": ["pelvis"]}}, say'
        )
    return dict(found)
