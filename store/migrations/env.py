"""What Alembic loads to run the steps on the connection that it is given."""

from alembic import context

from store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The transaction is begun and ended outside; SQLite keeps it for tables as well.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
