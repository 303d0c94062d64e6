"""Alembic's entry: migrations run on the connection that `store.schema.upgrade` hands over."""

from alembic import context

from sigmasight_assets.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    user_module_prefix="",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
