"""Validates every example of openapi.yaml against the schema beside it. Run by `make test`."""

import jsonschema_rs
import yaml


class Loader(yaml.SafeLoader):
    """Without YAML's own timestamps, which JSON does not have."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

with open("openapi.yaml", encoding="utf-8") as file:
    contract = yaml.load(file, Loader)
components = contract["components"]
validated = 0


def validate(schema, example, place):
    global validated
    try:
        jsonschema_rs.Draft202012Validator({**schema, "components": components}, validate_formats=True).validate(example)
    except jsonschema_rs.ValidationError as error:
        raise SystemExit(f"{place}: {error}") from None
    validated += 1


for kind in ("requestBodies", "responses"):
    for name, body in components[kind].items():
        for media in body.get("content", {}).values():
            for key, example in media["examples"].items():
                validate(media["schema"], example["value"], f"{kind}/{name}/{key}")
for name, schema in components["schemas"].items():
    for example in schema.get("examples", []):
        validate({"$ref": f"#/components/schemas/{name}"}, example, f"schemas/{name}")

assert validated > 30, validated
print(f"{validated} examples are as their schemas say")
