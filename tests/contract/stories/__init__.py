"""Stories: one for each operation of the contract, told through the vendor's published client.

A story is a function in a module of this folder, one module for each group of operations:

    @story("Get-entity-size")
    def measure_a_table(stage: Stage) -> None:
        told = stage.call("Get-entity-size", entity_name="Customer")
        assert told.body["rowCount"] == len(...)

        unknown = stage.call("Get-entity-size", entity_name="Custmer")
        assert unknown.status == 404

`stage.call(id, role="administrator", **arguments)` names the arguments as the client does, in snake case, bodies as the
wire spells them; it takes `instance_id`, by default that of Contoso Coffee. It fails by itself where the request or the
answer is not as the contract declares: method, path, query names, status, fields and their types, what the client made
of it. So a story asserts the rest, which is what the operation means:

- it arranges its state through other operations (`stage.server` has the clock and plain HTTP for what has none);
- what the client would not send, such as a boolean that is none, goes over plain HTTP: `stage.send(id, "top=many")`, to
  the address of the last call of that operation;
- it calls the operation with success, once at least with every query parameter that is declared;
- it calls another operation to see what became of it, unless the operation is a GET;
- it causes every declared status that a caller can cause. The others are given with their reason:
  `@story(id, uncaused={409: "names are free"})`. 500 and 503 need none. A status that is not declared and right all the
  same, such as a 403 for a Viewer, is expected by name: `stage.call(…, role="viewer", undeclared=403)`.

401 and the 404 of an unknown instance are caused for every story by `telling.tell`, which checks all this. Fields that
an answer has beyond its schema are listed in `contract.EXTENSIONS`, other differences in `@story(id, differs="…")`.

All stories share one service and are told in the order of the contract, each of them alone too: leave behind what you
found, or make what you need under a name of your own. Then renew the page: `python -m tests.contract.compatibility`.
"""
