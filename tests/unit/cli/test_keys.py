from tests.fakes.chain import CONTRACT, EMPLOYEE


def test_a_key_is_shown_once_and_listed_without_its_secret(command):
    made = command.json(
        "keys", "create", "--name", "shop", "--scope", "streams:read", "--scope", "operator"
    )
    assert set(made) == {"id", "key", "scopes"}
    assert made["key"].startswith(f"pw_{made['id']}_")
    assert sorted(made["scopes"]) == ["operator", "streams:read"]
    (listed,) = command.json("keys", "list")
    assert (listed["id"], listed["name"], listed["revoked_at"]) == (made["id"], "shop", None)
    assert listed["created_at"].endswith("Z")
    assert made["key"] not in str(listed)


def test_a_key_may_be_bound_to_an_account(command):
    command.run("keys", "create", "--name", "a", "--scope", "employee", "--account", EMPLOYEE)
    (listed,) = command.json("keys", "list")
    assert listed["account_id"] == EMPLOYEE


def test_people_read_tables(command):
    assert command.run("keys", "list").stdout == "API keys: none\n"
    made = command.run("keys", "create", "--name", "shop", "--scope", "operator").stdout
    assert "pw_" in made
    table = command.run("keys", "list").stdout
    assert "shop" in table
    assert "pw_" not in table


def test_a_revoked_key_stays_listed_with_its_time(command):
    made = command.json("keys", "create", "--name", "shop", "--scope", "operator")
    assert command.run("keys", "revoke", made["id"]).stdout == f"revoked {made['id']}\n"
    (listed,) = command.json("keys", "list")
    assert listed["revoked_at"].endswith("Z")


def test_revoking_a_key_that_does_not_exist_fails_and_says_where_to_look(command):
    told = command.run("keys", "revoke", "nobody", code=1)
    assert "nobody" in told.stderr
    assert "pausewire keys list" in told.stderr


def test_a_key_without_a_scope_is_a_fault_of_usage(command):
    assert "--scope" in command.run("keys", "create", "--name", "shop", code=2).output


def test_a_key_may_be_limited_to_contracts(command):
    wanted = ("--role", "frontend", "--contract", CONTRACT)
    made = command.json("keys", "create", "--name", "shop", *wanted)
    assert (made["scopes"], made["contracts"]) == (["streams:read"], [CONTRACT])
    (listed,) = command.json("keys", "list")
    assert listed["contracts"] == [CONTRACT]
    assert CONTRACT[:8] in command.run("keys", "list").stdout


def test_a_limit_that_cannot_be_kept_is_refused(command):
    wanted = ("--role", "auditor", "--contract", CONTRACT)
    told = command.run("keys", "create", "--name", "shop", *wanted, code=2)
    assert "audit:read cannot be limited to contracts" in told.stderr
    assert command.json("keys", "list") == []


def test_a_role_gives_its_scopes_and_scopes_add_to_it(command):
    made = command.json("keys", "create", "--name", "a", "--role", "auditor")
    assert made["scopes"] == ["audit:read", "streams:read"]
    more = ("--role", "frontend", "--scope", "operator")
    assert command.json("keys", "create", "--name", "b", *more)["scopes"] == [
        "streams:read",
        "operator",
    ]
    told = command.run("keys", "create", "--name", "c", "--role", "king", code=2)
    assert "auditor, operator, frontend" in told.stderr
