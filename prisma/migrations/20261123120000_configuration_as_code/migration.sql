-- What a configuration file owns, lifetimes, deprecated and disabled scopes, disabled secrets, and the trace that a
-- deleted client leaves. Only additions: the version before goes on serving beside this one.

ALTER TABLE "organizations" ADD COLUMN "managed_by" TEXT, ADD COLUMN "disabled_by" TEXT;
ALTER TABLE "resources" ADD COLUMN "managed_by" TEXT, ADD COLUMN "disabled_by" TEXT, ADD COLUMN "access_token_ttl_seconds" INTEGER;
ALTER TABLE "scopes" ADD COLUMN "managed_by" TEXT, ADD COLUMN "disabled_by" TEXT, ADD COLUMN "disabled_at" TIMESTAMPTZ(3),
  ADD COLUMN "is_deprecated" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "clients" ADD COLUMN "managed_by" TEXT, ADD COLUMN "disabled_by" TEXT, ADD COLUMN "access_token_ttl_seconds" INTEGER;
ALTER TABLE "client_secrets" ADD COLUMN "managed_by" TEXT, ADD COLUMN "disabled_at" TIMESTAMPTZ(3);

ALTER TABLE "resources" ADD CONSTRAINT "resources_access_token_ttl_seconds_bounds"
  CHECK ("access_token_ttl_seconds" BETWEEN 60 AND 2592000);
ALTER TABLE "clients" ADD CONSTRAINT "clients_access_token_ttl_seconds_bounds"
  CHECK ("access_token_ttl_seconds" BETWEEN 60 AND 2592000);

-- A client may come back under the id that it had: a file names its clients. The tokens of the deleted one must not.
CREATE TABLE "deleted_clients" (
  "id" TEXT NOT NULL,
  "deleted_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "deleted_clients_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "deleted_clients_deleted_at_idx" ON "deleted_clients" ("deleted_at");

CREATE FUNCTION "signet_remember_deleted_client"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO deleted_clients (id, deleted_at)
    VALUES (OLD.id, greatest(OLD.disabled_at, OLD.tokens_revoked_before, clock_timestamp()))
    ON CONFLICT (id) DO UPDATE SET deleted_at = greatest(deleted_clients.deleted_at, EXCLUDED.deleted_at);
  RETURN NULL;
END $$;
CREATE TRIGGER "clients_remember_deleted" AFTER DELETE ON "clients"
  FOR EACH ROW EXECUTE FUNCTION "signet_remember_deleted_client"();

CREATE FUNCTION "signet_keep_deleted_clients_tokens_revoked"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  -- NULL, for an id that is new, is less than all.
  NEW.tokens_revoked_before := greatest(NEW.tokens_revoked_before,
    (SELECT greatest(deleted_at, clock_timestamp()) FROM deleted_clients WHERE id = NEW.id));
  RETURN NEW;
END $$;
CREATE TRIGGER "clients_keep_deleted_tokens_revoked" BEFORE INSERT ON "clients"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_deleted_clients_tokens_revoked"();

-- A token says whose data its bearer may see, so it does not outlive its client's change of owner, nor the way back.
CREATE FUNCTION "signet_revoke_tokens_of_moved_client"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  NEW.tokens_revoked_before := greatest(NEW.tokens_revoked_before, clock_timestamp());
  RETURN NEW;
END $$;
CREATE TRIGGER "clients_revoke_tokens_of_moved" BEFORE UPDATE ON "clients"
  FOR EACH ROW WHEN (NEW.organization_id <> OLD.organization_id) EXECUTE FUNCTION "signet_revoke_tokens_of_moved_client"();
