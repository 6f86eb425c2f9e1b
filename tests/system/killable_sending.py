"""Sends and files what waits, as a process that a test kills at a named checkpoint.

python -m tests.system.killable_sending CONFIG_JSON CHECKPOINT
"""

import json
import sys

import structlog

from intake.bootstrap import build, sole_process
from intake.config import Config
from intake.pipeline import deliver, send
from storage.database import open_engine
from tests.builders import MONDAY
from tests.system.killable import Killer


def main() -> None:
    settings, boundary = sys.argv[1:]
    config = Config.model_validate(json.loads(settings))
    log = structlog.testing.CapturingLogger()
    with (
        sole_process(open_engine(config.database_url), config),
        build(config, now=lambda: MONDAY, checkpoint=Killer(boundary, 1), log=log) as house,
    ):
        send(house, house.config.shops[0])
        deliver(house, house.config.shops[0])


if __name__ == "__main__":
    main()
