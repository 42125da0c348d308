-- The first schema: tables, the trigger that makes revocation by disabling permanent, and the change feed.

CREATE TYPE "environment" AS ENUM ('live', 'test');

CREATE TABLE "organizations" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "disabled_at" TIMESTAMPTZ(3),
  "tokens_revoked_before" TIMESTAMPTZ(3),
  CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "organizations_name_key" ON "organizations" ("name");

CREATE TABLE "resources" (
  "id" TEXT NOT NULL,
  "identifier" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "disabled_at" TIMESTAMPTZ(3),
  CONSTRAINT "resources_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "resources_identifier_key" ON "resources" ("identifier");

CREATE TABLE "scopes" (
  "name" TEXT NOT NULL,
  "resource_id" TEXT NOT NULL,
  "description" TEXT NOT NULL,
  "is_default" BOOLEAN NOT NULL DEFAULT false,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "scopes_pkey" PRIMARY KEY ("name"),
  CONSTRAINT "scopes_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resources" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "scopes_resource_id_idx" ON "scopes" ("resource_id");

CREATE TABLE "clients" (
  "id" TEXT NOT NULL,
  "organization_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "environment" "environment" NOT NULL,
  "grants" TEXT[],
  "authentication_methods" TEXT[],
  "resource_id" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "disabled_at" TIMESTAMPTZ(3),
  "tokens_revoked_before" TIMESTAMPTZ(3),
  CONSTRAINT "clients_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "clients_id_names_its_environment" CHECK ("id" ~ ('^cl_' || "environment"::text || '_[a-z0-9]+$')),
  CONSTRAINT "clients_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id")
    ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT "clients_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resources" ("id")
    ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX "clients_organization_id_idx" ON "clients" ("organization_id");
CREATE INDEX "clients_resource_id_idx" ON "clients" ("resource_id");

CREATE TABLE "client_scopes" (
  "client_id" TEXT NOT NULL,
  "scope_name" TEXT NOT NULL,
  CONSTRAINT "client_scopes_pkey" PRIMARY KEY ("client_id", "scope_name"),
  CONSTRAINT "client_scopes_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "client_scopes_scope_name_fkey" FOREIGN KEY ("scope_name") REFERENCES "scopes" ("name")
    ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "client_scopes_scope_name_idx" ON "client_scopes" ("scope_name");

CREATE TABLE "client_secrets" (
  "id" TEXT NOT NULL,
  "client_id" TEXT NOT NULL,
  "imported" BOOLEAN NOT NULL DEFAULT false,
  "hash" TEXT NOT NULL,
  "verifier" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3),
  "revoked_at" TIMESTAMPTZ(3),
  CONSTRAINT "client_secrets_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "client_secrets_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "client_secrets_client_id_idx" ON "client_secrets" ("client_id");

CREATE TABLE "signing_keys" (
  "kid" TEXT NOT NULL,
  "environment" "environment" NOT NULL,
  "algorithm" TEXT NOT NULL,
  "sealed_private_key" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "activates_at" TIMESTAMPTZ(3) NOT NULL,
  "withdrawn_at" TIMESTAMPTZ(3),
  CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("kid")
);

CREATE TABLE "revoked_tokens" (
  "jti" TEXT NOT NULL,
  "client_id" TEXT NOT NULL,
  "revoked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "revoked_tokens_pkey" PRIMARY KEY ("jti")
);
CREATE INDEX "revoked_tokens_expires_at_idx" ON "revoked_tokens" ("expires_at");

CREATE TABLE "sealed_values" (
  "purpose" TEXT NOT NULL,
  "envelope" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "sealed_values_pkey" PRIMARY KEY ("purpose")
);

CREATE TABLE "changes" (
  "id" BIGSERIAL NOT NULL,
  "entity" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "changes_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "changes_changed_at_idx" ON "changes" ("changed_at");

-- A secret that was revoked stays revoked, and enabling a client or an organization never brings its old
-- tokens back, whoever writes: the CLI, a file or plain SQL. Not CURRENT_TIMESTAMP: a transaction may have begun
-- before the last of those tokens was issued. And not before disabled_at: the clock that wrote it may be ahead.
CREATE FUNCTION "signet_keep_tokens_revoked"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL THEN
    NEW.tokens_revoked_before := greatest(NEW.tokens_revoked_before, OLD.disabled_at, clock_timestamp());
  END IF;
  NEW.tokens_revoked_before := greatest(NEW.tokens_revoked_before, OLD.tokens_revoked_before); -- NULL is less than all
  RETURN NEW;
END $$;
CREATE TRIGGER "organizations_keep_tokens_revoked" BEFORE UPDATE ON "organizations"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_tokens_revoked"();
CREATE TRIGGER "clients_keep_tokens_revoked" BEFORE UPDATE ON "clients"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_tokens_revoked"();

CREATE FUNCTION "signet_keep_secret_revoked"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL THEN
    NEW.revoked_at := OLD.revoked_at;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "client_secrets_keep_revoked" BEFORE UPDATE ON "client_secrets"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_secret_revoked"();

-- The change feed. Every writing transaction takes one advisory lock before it writes its first row and holds
-- it to its end, so that the ids of "changes" follow the order of the commits and "id > last" misses nothing.
CREATE FUNCTION "signet_feed_lock"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7367600, 1);
  RETURN NULL;
END $$;

-- Arguments: the entity that the row belongs to, and the column that holds the entity's key.
CREATE FUNCTION "signet_feed_append"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  old_key TEXT := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ->> TG_ARGV[1] END;
  new_key TEXT := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ->> TG_ARGV[1] END;
BEGIN
  INSERT INTO changes (entity, key)
    SELECT DISTINCT TG_ARGV[0], key FROM (VALUES (old_key), (new_key)) AS keys (key) WHERE key IS NOT NULL;
  PERFORM pg_notify('signet_changes', '');
  RETURN NULL;
END $$;

CREATE FUNCTION "signet_feed_truncated"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO changes (entity, key) VALUES ('everything', TG_TABLE_NAME);
  PERFORM pg_notify('signet_changes', '');
  RETURN NULL;
END $$;

DO $$
DECLARE
  feed RECORD;
BEGIN
  FOR feed IN SELECT * FROM (VALUES
    ('organizations', 'organization', 'id'),
    ('resources', 'resource', 'id'),
    ('scopes', 'resource', 'resource_id'),
    ('clients', 'client', 'id'),
    ('client_scopes', 'client', 'client_id'),
    ('client_secrets', 'client', 'client_id'),
    ('signing_keys', 'signing_key', 'kid'),
    ('revoked_tokens', 'revoked_token', 'jti')
  ) AS feeds (table_name, entity, key_column)
  LOOP
    EXECUTE format('CREATE TRIGGER feed_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_lock()', feed.table_name);
    EXECUTE format('CREATE TRIGGER feed_append AFTER INSERT OR UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION signet_feed_append(%L, %L)', feed.table_name, feed.entity, feed.key_column);
    EXECUTE format('CREATE TRIGGER feed_truncated AFTER TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_truncated()', feed.table_name);
  END LOOP;
END $$;
