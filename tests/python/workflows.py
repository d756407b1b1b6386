"""Lints what check-jsonschema and zizmor don't, in the workflows of GitHub: every `run:` by shellcheck, and our own rules.

Usage: python workflows.py WORKFLOW...
"""

import subprocess
import sys

from ruamel.yaml import YAML


def faults(workflow):
    """What is wrong with a workflow, a line each."""
    if workflow.get("permissions") != {"contents": "read"}:
        yield "permissions: a workflow has contents: read, and a job asks for more"
    if workflow.get("defaults") != {"run": {"shell": "bash"}}:
        yield "defaults: without shell: bash, a pipe whose first command fails goes on"
    for name, job in workflow["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"{name}: timeout-minutes is missing"
        environment = job.get("environment")
        concurrency = {"group": f"deploy-{environment}", "cancel-in-progress": False}
        if environment and job.get("concurrency") != concurrency:
            yield f"{name}: one deploy at a time to {environment}, and none is cancelled: concurrency is {concurrency}"
        for step in job.get("steps", []):
            if "run" in step:
                for fault in shell_faults(step["run"]):
                    yield f"{name}: {fault}"


def shell_faults(script):
    """What shellcheck says of a step."""
    command = ["shellcheck", "--shell", "bash", "--format", "gcc", "-"]
    return subprocess.run(command, input=script, text=True, capture_output=True).stdout.splitlines()


def main(paths):
    found = False
    for path in paths:
        with open(path) as file:
            for fault in faults(YAML(typ="safe").load(file)):
                found = True
                print(f"{path}: {fault}")
    sys.exit(found)


main(sys.argv[1:])
