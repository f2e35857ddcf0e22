"""The API keeps what its description promises, whatever is sent to it: Schemathesis against the real server.

FTL_SCHEMA_EXAMPLES=1000 pytest -n 0 tests/e2e/test_schema.py    looks for longer, at other examples every time
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from studio.accounts import add_user
from studio.annotation import log
from studio.annotation.strokes import Rectangle
from studio.api.routes import app
from studio.images.library import add_image
from studio.projects.projects import create_project
from studio.store.database import writing
from studio.store.tables import CandidateRow, Job
from tests.conftest import save_png
from tests.e2e.conftest import PASSWORD, Server

EXAMPLES = int(os.environ.get("FTL_SCHEMA_EXAMPLES", "0"))
bounded = settings(
    max_examples=EXAMPLES or 8,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate] + ([Phase.shrink] if EXAMPLES else []),
    suppress_health_check=list(HealthCheck),
)


UNKNOWABLE = [positive_data_acceptance]
"""That a file is no photograph, or letters no name: no description can tell of a body."""


class World(NamedTuple):
    server: Server
    admin: int
    ids: dict[str, object]


@pytest.fixture(scope="module")
def world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with an image, a mask and two jobs, one of which has a network."""
    with writing() as db:
        admin = add_user(db, "Admin", PASSWORD).id
    project = create_project(admin, "Bridge [x](https://example.invalid)").id
    picture = save_png(np.full((20, 30, 3), 90, np.uint8), tmp_path_factory.mktemp("p") / "a.png")
    image, _ = add_image(project, admin, picture, "a.png")
    log.append(image.id, admin, [Rectangle("s", 2, {"box": [1, 2, 3, 4]}, admin)])
    with writing() as db:
        about = {"project_id": project, "created_by": admin, "kind": "sweep"}
        db.add(
            Job(
                **about,
                name="x",
                settings={"sweep": {"keep": [0.5]}},
                state="failed",
                error="it failed",
                started_at=1.0,
            )
        )
        job = Job(**about, name="y", settings={}, state="done", started_at=1.0, ended_at=2.5)
        db.add(job)
        db.flush()
        db.add(CandidateRow(job_id=job.id, name="base", number=0))
    return World(server, admin, {"project": project, "image": image.id, "job": job.id, "name": "base"})


schema = schemathesis.openapi.from_dict(app.openapi())


@schema.parametrize()
@bounded
def test_signed_in(world: World, case: Any) -> None:
    if case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE:
        known = {key: value for key, value in world.ids.items() if key in case.path_parameters}
        case.path_parameters |= known  # else hardly a project is met
    token = world.server.cookie(world.admin)
    unknowable = UNKNOWABLE if case.body is not NOT_SET else []
    case.call_and_validate(world.server.url, headers={"Authorization": f"Bearer {token}"}, excluded_checks=unknowable)


@schema.parametrize()
@settings(bounded, max_examples=EXAMPLES or 3)
def test_not_signed_in(world: World, case: Any) -> None:
    answer = case.call(world.server.url)
    if (case.operation.method, case.operation.path) != ("post", "/api/session"):
        assert (answer.status_code, answer.json()) == (401, {"error": "sign in first"})
    case.validate_response(answer, excluded_checks=UNKNOWABLE if case.body is not NOT_SET else [])


def test_the_server_serves_this_description(world: World) -> None:
    served = httpx.get(
        f"{world.server.url}/api/openapi.json", cookies={"studio_session": world.server.cookie(world.admin)}
    )
    assert served.json() == json.loads(json.dumps(app.openapi()))


@pytest.mark.parametrize("number", [0, 2**63, 10**30])
def test_numbers_that_no_database_holds_are_404_on_every_address(world: World, number: int) -> None:
    client = httpx.Client(base_url=world.server.url, cookies={"studio_session": world.server.cookie(world.admin)})
    project = world.ids["project"]
    for path in (
        f"/api/projects/{number}/images",
        f"/api/projects/{project}/jobs/{number}",
        f"/files/{number}/images/1/{'a' * 64}/view.jpg",
        f"/files/{project}/images/{number}/mask.png",
        f"/files/{project}/images/{number}/object?x=1&y=1",
    ):
        answer = client.get(path)
        assert (answer.status_code, set(answer.json())) == (404, {"error"}), path
    for name in ("live", "strokes", "assist", "proposals", "comments"):
        answer = client.post(f"/files/{project}/images/{number}/{name}", json={})
        assert (answer.status_code, set(answer.json())) == (404, {"error"}), name
    image = world.ids["image"]
    beyond = client.post(f"/files/{project}/images/{image}/live", json={"after": number or 10**30, "tab": "t"})
    assert (beyond.status_code, set(beyond.json())) == (400, {"error"})
