"""The triggers by which the database itself keeps the history append-only, by dialect.

A batch operation on `event` makes the table anew on SQLite, without them: then they have to be made anew too.
"""

NEVER_CHANGED = {
    "sqlite": (
        "CREATE TRIGGER event_is_not_updated BEFORE UPDATE ON event"
        " BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END",
        "CREATE TRIGGER event_is_not_deleted BEFORE DELETE ON event"
        " BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$",
        "CREATE TRIGGER event_is_not_changed BEFORE UPDATE OR DELETE ON event"
        " FOR EACH ROW EXECUTE FUNCTION event_is_append_only()",
        "CREATE TRIGGER event_is_not_emptied BEFORE TRUNCATE ON event"
        " FOR EACH STATEMENT EXECUTE FUNCTION event_is_append_only()",
    ),
}
MAY_CHANGE = {
    "sqlite": ("DROP TRIGGER event_is_not_updated", "DROP TRIGGER event_is_not_deleted"),
    "postgresql": (
        "DROP TRIGGER event_is_not_changed ON event",
        "DROP TRIGGER event_is_not_emptied ON event",
        "DROP FUNCTION event_is_append_only()",
    ),
}
