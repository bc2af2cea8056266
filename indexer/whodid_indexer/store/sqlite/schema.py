"""The file's layout and how an older one is brought up to it.

    event    one row per record in order of arrival (`seq`, never reused): its time in microseconds, its id as two
             signed 64-bit halves (`idh` sorts as the id does), its axes as small ints (0: the record has none), and
             `body`: the record's JSON, compressed; the first byte names the dictionary (see `bodies`)
    fx       the one index over the whole: lists, ranges, keyset paging and the search for duplicates
    filed    records filed under their receipt, by id: the same event received again has another time
    combo    the values of everything of low cardinality that occur together; `types` is a JSON list,
             `present` has a bit for each field that only `ft` can find (see `tokens.PRESENT`)
    actor    each actor: `handle` is its key as written (actor.key), `json` all of it as written
    person   every folded value that finds an actor
    ip       addresses as 16 bytes (IPv4 mapped into IPv6)
    ws, project      their ids (`ext`) and names; `exact` is the id as written (workspace.id, project.id)
    device, reason   their values
    label    how a folded value of an axis was written, where that differs: one spelling of it
    chunk, cell      the axes once more as columns, for counting (see `chunks`)
    ft       FTS5 without contents: `t` the record's text, `x` exact tokens (see `tokens`); rowid = seq
    zdict    dictionaries of the bodies
    setting  `meta`: the store's template document; `store`: what tells this file from every other one
    view     questions that are shared under a name (see `views`)
    hold     legal holds, also those that have ended (see `holds`)
    token    who may ask a server over this file: the hash of each secret, and what it is good for (`access.token`)

`key` columns are hashes of what makes a row of a dictionary table unique; all other texts of theirs but `class`,
`handle`, `exact` and `json` are folded as they are compared (`axes.folded`). Dictionary rows are never deleted, so a
number that was once seen stays right. `hashsize`: so many bytes of new words wait in memory within a transaction; with
FTS5's own megabyte each thousand records would be a segment by itself, and merging them the larger part of what text
costs. `crisismerge`: at FTS5's own 16, which is where `automerge` begins, every merge is done to its end within one
commit, and that takes the longer the larger the file (3.9 s at 1.3 million records); above it, merging goes on a little
with every commit (0.13 s at most, for the same processor time).
`PRAGMA user_version` is the number of migrations applied.
"""

import apsw

from whodid_schema.errors import StateError, StoreTooOld, StoreUnreachable

APPLICATION_ID = 0x77486F44
"""`wHoD` in the file's header: tells a whodid store from any other SQLite file."""

PAGE_SIZE = 8192

_FIRST = """
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO setting VALUES ('store', lower(hex(randomblob(8))));
CREATE TABLE view(space TEXT, name TEXT, json TEXT NOT NULL, PRIMARY KEY(space, name)) STRICT, WITHOUT ROWID;
CREATE TABLE token(id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE zdict(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE combo(
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, class TEXT NOT NULL, app TEXT, surface TEXT, kind TEXT,
    category TEXT, action TEXT, verb TEXT, outcome TEXT, layer TEXT, types TEXT NOT NULL, present INTEGER NOT NULL
) STRICT;
CREATE TABLE actor(
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, type TEXT, email TEXT, role TEXT, provider TEXT,
    handle TEXT, json TEXT NOT NULL
) STRICT;
CREATE INDEX handle ON actor(handle);
CREATE TABLE person(value TEXT, actor INTEGER, PRIMARY KEY(value, actor)) STRICT, WITHOUT ROWID;
CREATE TABLE ip(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE ws(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, ext TEXT, name TEXT, exact TEXT) STRICT;
CREATE TABLE project(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, ext TEXT, name TEXT, exact TEXT) STRICT;
CREATE TABLE device(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
CREATE TABLE reason(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
CREATE TABLE label(axis TEXT, value TEXT, label TEXT NOT NULL, PRIMARY KEY(axis, value)) STRICT, WITHOUT ROWID;
CREATE TABLE event(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER NOT NULL, idh INTEGER NOT NULL, idl INTEGER NOT NULL,
    combo INTEGER NOT NULL, actor INTEGER NOT NULL, ip INTEGER NOT NULL, ws INTEGER NOT NULL,
    project INTEGER NOT NULL, device INTEGER NOT NULL, reason INTEGER NOT NULL,
    filed INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX fx ON event(ts, idh, combo, actor, ip, ws, project, device, reason);
CREATE INDEX filed ON event(idh) WHERE filed;
CREATE TABLE chunk(id INTEGER PRIMARY KEY, n INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL) STRICT;
CREATE TABLE cell(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE ft USING fts5(t, x, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
INSERT INTO ft(ft, rank) VALUES ('deletemerge', 0);
INSERT INTO ft(ft, rank) VALUES ('automerge', 16);
INSERT INTO ft(ft, rank) VALUES ('hashsize', 4194304);
"""

_HOLDS = "CREATE TABLE hold(name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;"

_MERGING = "INSERT INTO ft(ft, rank) VALUES ('crisismerge', 64);"

MIGRATIONS: tuple[str, ...] = (_FIRST, _HOLDS, _MERGING)
"""Scripts in order; one that has been released is never changed, only followed by another."""


def version_of(connection: apsw.Connection) -> int:
    """How many migrations the file has had; 0 for an empty one. Raises StateError where it is not a whodid store."""
    application = connection.pragma("application_id")
    version = int(connection.pragma("user_version"))
    if application == APPLICATION_ID:
        return version
    if application == 0 and version == 0 and connection.pragma("schema_version") == 0:
        return 0
    raise StateError(f"{connection.filename} is a database, but not a whodid store", "name another file")


def check_version(connection: apsw.Connection) -> bool:
    """Whether the file has today's layout; False where it is older. Raises StateError where it is newer."""
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise StateError(
            f"{connection.filename} was written by a newer whodid (layout {version}, this one knows {len(MIGRATIONS)})",
            "upgrade whodid",
        )
    return version == len(MIGRATIONS)


def require_version(connection: apsw.Connection) -> None:
    """Raises StoreUnreachable where the file is empty, StoreTooOld where its layout is, StateError as check_version."""
    if check_version(connection):
        return
    version = version_of(connection)
    if version:
        raise StoreTooOld(
            f"{connection.filename} has an older layout ({version}; this version has {len(MIGRATIONS)})",
            "run whodid setup",
        )
    raise StoreUnreachable(f"{connection.filename} is not set up by this version", "run whodid setup")


def migrate(connection: apsw.Connection) -> None:
    """Bring the file to today's layout in one transaction. Raises StateError where it is newer or not ours."""
    if check_version(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[version_of(connection) :]:
            connection.execute(script)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", len(MIGRATIONS))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
