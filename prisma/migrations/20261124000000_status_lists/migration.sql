-- Token Status Lists (draft-ietf-oauth-status-list): which tokens may have which index, and which indexes are revoked.
-- Only additions: the version before issues tokens without a status, and refuses none that this one refuses.

-- A list belongs to the process that made it, which alone counts its indexes: no row says which one is next.
CREATE TABLE "status_lists" (
  "id" TEXT NOT NULL,
  "environment" "environment" NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "status_lists_pkey" PRIMARY KEY ("id")
);

-- A block of indexes is for the tokens of one credential of one client, signed by one key.
CREATE TABLE "status_blocks" (
  "list_id" TEXT NOT NULL,
  "first_index" INTEGER NOT NULL,
  "last_index" INTEGER NOT NULL,
  "client_id" TEXT NOT NULL,
  "organization_id" TEXT NOT NULL,
  "credential" TEXT NOT NULL,
  "kid" TEXT NOT NULL,
  "leased_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "status_blocks_pkey" PRIMARY KEY ("list_id", "first_index"),
  CONSTRAINT "status_blocks_are_blocks" CHECK (0 <= "first_index" AND "first_index" <= "last_index" AND "last_index" < 1048576),
  CONSTRAINT "status_blocks_list_id_fkey" FOREIGN KEY ("list_id") REFERENCES "status_lists" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "status_blocks_client_id_credential_idx" ON "status_blocks" ("client_id", "credential");
CREATE INDEX "status_blocks_organization_id_idx" ON "status_blocks" ("organization_id");
CREATE INDEX "status_blocks_kid_idx" ON "status_blocks" ("kid");
CREATE INDEX "status_blocks_leased_at_idx" ON "status_blocks" ("leased_at");

-- For good: nothing deletes from it but the end of the list.
CREATE TABLE "revoked_indexes" (
  "list_id" TEXT NOT NULL,
  "first_index" INTEGER NOT NULL,
  "last_index" INTEGER NOT NULL,
  "revoked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "revoked_indexes_pkey" PRIMARY KEY ("list_id", "first_index", "last_index"),
  CONSTRAINT "revoked_indexes_are_ranges" CHECK (0 <= "first_index" AND "first_index" <= "last_index" AND "last_index" < 1048576),
  CONSTRAINT "revoked_indexes_list_id_fkey" FOREIGN KEY ("list_id") REFERENCES "status_lists" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE
);

ALTER TABLE "exchanged_tokens"
  ADD COLUMN "list_id" TEXT, ADD COLUMN "list_index" INTEGER,
  ADD COLUMN "subject_list_id" TEXT, ADD COLUMN "subject_index" INTEGER;
CREATE INDEX "exchanged_tokens_subject_list_id_subject_index_idx" ON "exchanged_tokens" ("subject_list_id", "subject_index");

-- The feed tells the ranges themselves, so that no process has to read them; of lists it tells which came and went.
CREATE FUNCTION "signet_feed_append_revoked"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM inserted) THEN
    INSERT INTO changes (entity, key) SELECT 'revoked_index', list_id || ' ' || first_index || ' ' || last_index FROM inserted;
    PERFORM pg_notify('signet_changes', '');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER feed_append AFTER INSERT ON "revoked_indexes" REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_append_revoked();
CREATE TRIGGER feed_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "revoked_indexes"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_lock();
CREATE TRIGGER feed_truncated AFTER TRUNCATE ON "revoked_indexes"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_truncated();
CREATE TRIGGER feed_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "status_lists"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_lock();
CREATE TRIGGER feed_append AFTER INSERT OR UPDATE OR DELETE ON "status_lists"
  FOR EACH ROW EXECUTE FUNCTION signet_feed_append('status_list', 'id');
CREATE TRIGGER feed_truncated AFTER TRUNCATE ON "status_lists"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_truncated();

-- A token dies with the one that it was exchanged for, and those that were exchanged for it with it.
CREATE FUNCTION "signet_revoke_exchanged"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM inserted) THEN
    INSERT INTO revoked_indexes (list_id, first_index, last_index)
      SELECT DISTINCT e.list_id, e.list_index, e.list_index FROM exchanged_tokens e
        JOIN inserted i ON e.subject_list_id = i.list_id AND e.subject_index BETWEEN i.first_index AND i.last_index
        JOIN status_lists l ON l.id = e.list_id
        WHERE NOT EXISTS (SELECT FROM revoked_indexes r WHERE r.list_id = e.list_id AND e.list_index BETWEEN r.first_index AND r.last_index)
      ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "revoked_indexes_revoke_exchanged" AFTER INSERT ON "revoked_indexes" REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION "signet_revoke_exchanged"();

-- The blocks of whatever can issue no more are revoked whole, and with them what a process that has not heard of it yet
-- still makes of them. A lease holds the rows that it depends on, so this finds every block or the lease finds the change.
-- The argument says which blocks are those of the row ($1).
CREATE FUNCTION "signet_revoke_blocks"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  EXECUTE 'INSERT INTO revoked_indexes (list_id, first_index, last_index)
    SELECT list_id, first_index, last_index FROM status_blocks WHERE ' || TG_ARGV[0] || ' ON CONFLICT DO NOTHING' USING to_jsonb(OLD);
  RETURN NULL;
END $$;

DO $$
DECLARE
  owner RECORD;
BEGIN
  FOR owner IN SELECT * FROM (VALUES
    ('organizations', $c$organization_id = $1 ->> 'id'$c$,
      'OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL OR NEW.tokens_revoked_before IS DISTINCT FROM OLD.tokens_revoked_before'),
    ('clients', $c$client_id = $1 ->> 'id'$c$,
      'OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL OR NEW.tokens_revoked_before IS DISTINCT FROM OLD.tokens_revoked_before'),
    ('client_secrets', $c$client_id = $1 ->> 'client_id' AND credential = 'secret:' || ($1 ->> 'id')$c$,
      'OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL'),
    ('client_keys', $c$client_id = $1 ->> 'client_id' AND credential = 'key:' || ($1 ->> 'kid')$c$,
      'OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL'),
    ('signing_keys', $c$kid = $1 ->> 'kid'$c$,
      'OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL')
  ) AS owners (table_name, its_blocks, has_ended)
  LOOP
    EXECUTE format('CREATE TRIGGER revoke_blocks AFTER UPDATE ON %I FOR EACH ROW WHEN (%s)
      EXECUTE FUNCTION signet_revoke_blocks(%L)', owner.table_name, owner.has_ended, owner.its_blocks);
    -- A secret or key that is deleted was not revoked: what it was used for lives on.
    CONTINUE WHEN owner.table_name IN ('client_secrets', 'client_keys');
    EXECUTE format('CREATE TRIGGER revoke_blocks_of_deleted AFTER DELETE ON %I FOR EACH ROW
      EXECUTE FUNCTION signet_revoke_blocks(%L)', owner.table_name, owner.its_blocks);
  END LOOP;
END $$;

-- As before, and by the index of the subject token where it has one.
CREATE OR REPLACE FUNCTION "signet_refuse_dead_subject"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (
    WITH RECURSIVE lineage (subject_jti, client_id, issued_at, kid) AS (
      SELECT NEW.subject_jti, NEW.client_id, NEW.issued_at, NEW.kid
      UNION ALL
      SELECT e.subject_jti, e.client_id, e.issued_at, e.kid FROM exchanged_tokens e JOIN lineage l ON e.jti = l.subject_jti
    )
    SELECT FROM lineage l
      LEFT JOIN clients c ON c.id = l.client_id
      LEFT JOIN organizations o ON o.id = c.organization_id
      LEFT JOIN signing_keys k ON k.kid = l.kid
    WHERE o.id IS NULL OR k.kid IS NULL OR k.withdrawn_at IS NOT NULL
      OR c.disabled_at IS NOT NULL OR c.tokens_revoked_before >= l.issued_at
      OR o.disabled_at IS NOT NULL OR o.tokens_revoked_before >= l.issued_at
      OR EXISTS (SELECT FROM revoked_tokens r WHERE r.jti = l.subject_jti)
  ) OR EXISTS (
    -- Whatever that one was exchanged for has revoked it by now.
    SELECT FROM revoked_indexes r WHERE r.list_id = NEW.subject_list_id AND NEW.subject_index BETWEEN r.first_index AND r.last_index
  ) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;
