"""Runs the revisions on the connection that store/migrate.py hands over, inside its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    on_version_apply=context.config.attributes["on_version_apply"],
)
context.run_migrations()
