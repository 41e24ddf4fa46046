"""Read a `.wandb` file of an offline run: LevelDB log framing around protocol-buffer records."""

import json
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

from wandb.proto import wandb_internal_pb2

BLOCK = 32768
HEADER = 7  # checksum, length, kind


@dataclass
class Run:
    """What a run logged.

    Attributes:
        run_id: its id.
        name: that its page shows.
        group: of runs.
        job_type: what it does in the group.
        tags: of it.
        config: key -> value.
        scalars: names of logged numbers.
        media: names of logged pictures and tables.
        charts: names of custom charts; the table of `a` is `a_table`.
        tables: name -> rows of each logged table, in order; the first row holds the columns' names.
        exit_code: None where the run was not closed.
    """

    run_id: str = ""
    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    media: set[str] = field(default_factory=set)
    charts: set[str] = field(default_factory=set)
    tables: dict[str, list[list[list]]] = field(default_factory=dict)
    exit_code: int | None = None


def records(path: Path):
    """Yield the records of a file."""
    data = path.read_bytes()
    position, whole = HEADER, b""
    while position + HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        if length == 0 and kind == 0:
            position += left
            continue
        whole += data[position + HEADER : position + HEADER + length]
        position += HEADER + length
        if kind in (1, 4):  # a full record, or the last fragment of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            yield record
            whole = b""


def read_run(file: Path) -> Run:
    """Read what a run logged; the last records of a run that was closed may come a moment later."""
    end = time.monotonic() + 10
    while not any(record.HasField("exit") for record in records(file)) and time.monotonic() < end:
        time.sleep(0.05)
    run = Run()
    for record in records(file):
        if record.HasField("run"):
            run.run_id, run.name, run.group = record.run.run_id, record.run.display_name, record.run.run_group
            run.job_type, run.tags = record.run.job_type, list(record.run.tags)
            updates = record.run.config.update
            run.config |= {item.key: json.loads(item.value_json) for item in updates if item.key}
        if record.HasField("exit"):
            run.exit_code = record.exit.exit_code
        for item in record.config.update:
            if item.key and item.key != "_wandb":
                run.config[item.key] = json.loads(item.value_json)
            if list(item.nested_key[:2]) == ["_wandb", "visualize"]:
                run.charts.add(item.nested_key[2])
        for item in record.history.item:
            path = [item.key] if item.key else list(item.nested_key)
            if len(path) == 1:
                run.scalars.add(path[0])
            elif path[1] == "_type":  # a picture or a table is a small mapping that says its type
                run.media.add(path[0])
            elif path[1] == "path" and json.loads(item.value_json).endswith(".table.json"):
                table = json.loads((file.parent / "files" / json.loads(item.value_json)).read_text())
                run.tables.setdefault(path[0], []).append([table["columns"], *table["data"]])
    return run
