-- Who stopped what, when and why. Triggers write it in the transaction of the change itself, so that no path forgets it:
-- endpoint, command, configuration file, plain SQL. Only additions: what the version before writes is recorded as well.

CREATE TABLE "audit_records" (
  "id" BIGSERIAL NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "actor" TEXT NOT NULL,
  "action" TEXT NOT NULL,
  "target_kind" TEXT NOT NULL,
  "target_id" TEXT NOT NULL,
  "client_id" TEXT,
  "reason" TEXT,
  "details" JSONB,
  CONSTRAINT "audit_records_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "audit_records_at_idx" ON "audit_records" ("at");
CREATE INDEX "audit_records_target_id_idx" ON "audit_records" ("target_id");
CREATE INDEX "audit_records_client_id_idx" ON "audit_records" ("client_id");

-- Records are neither changed, antedated nor, while they are young, deleted. An empty table may be truncated: a restore does.
CREATE FUNCTION "signet_keep_audit_records"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.at := clock_timestamp();
    RETURN NEW;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.at < now() - interval '30 days' THEN
      RETURN OLD;
    END IF;
  ELSIF TG_OP = 'TRUNCATE' THEN
    IF NOT EXISTS (SELECT FROM audit_records) THEN
      RETURN NULL;
    END IF;
  END IF;
  RAISE EXCEPTION 'audit records are never changed, and not deleted before they are 30 days old';
END $$;
CREATE TRIGGER "audit_records_keep" BEFORE INSERT OR UPDATE OR DELETE ON "audit_records"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_audit_records"();
CREATE TRIGGER "audit_records_keep_all" BEFORE TRUNCATE ON "audit_records"
  FOR EACH STATEMENT EXECUTE FUNCTION "signet_keep_audit_records"();

-- Whoever acts says so in the settings signet.actor and signet.reason of the transaction. Of nobody else more is known
-- than the role of the database.
CREATE FUNCTION "signet_audit"(the_action TEXT, the_kind TEXT, the_id TEXT, the_client_id TEXT, the_details JSONB)
  RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
  INSERT INTO audit_records (actor, action, target_kind, target_id, client_id, reason, details) VALUES (
    coalesce(nullif(left(current_setting('signet.actor', true), 300), ''), 'database ' || session_user),
    the_action, the_kind, the_id, the_client_id,
    nullif(left(current_setting('signet.reason', true), 300), ''),
    nullif(jsonb_strip_nulls(the_details), '{}'))
$$;

-- Arguments: what the row is, and the column of its id. What goes with its client, or follows from another act, is no act.
CREATE FUNCTION "signet_audit_row"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  kind TEXT := TG_ARGV[0];
  old_row JSONB := to_jsonb(OLD);
  new_row JSONB := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) ELSE '{}' END;
  client TEXT := CASE WHEN kind = 'client' THEN old_row ->> 'id' ELSE old_row ->> 'client_id' END;
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF kind IN ('secret', 'client_key') AND NOT EXISTS (SELECT FROM clients WHERE id = client) THEN
      RETURN NULL;
    END IF;
    PERFORM signet_audit('deleted', kind, old_row ->> TG_ARGV[1], client, jsonb_build_object('name', old_row -> 'name'));
  ELSIF coalesce(old_row ->> 'revoked_at', old_row ->> 'withdrawn_at') IS NULL AND coalesce(new_row ->> 'revoked_at', new_row ->> 'withdrawn_at') IS NOT NULL THEN
    PERFORM signet_audit('revoked', kind, old_row ->> TG_ARGV[1], client, NULL);
  ELSIF (old_row ->> 'disabled_at' IS NULL) <> (new_row ->> 'disabled_at' IS NULL) THEN
    PERFORM signet_audit(CASE WHEN old_row ->> 'disabled_at' IS NULL THEN 'disabled' ELSE 'enabled' END, kind, old_row ->> TG_ARGV[1], client, NULL);
  ELSIF new_row ->> 'organization_id' <> old_row ->> 'organization_id' THEN
    PERFORM signet_audit('moved', kind, old_row ->> TG_ARGV[1], client, jsonb_build_object('from', old_row -> 'organization_id', 'to', new_row -> 'organization_id'));
  ELSE
    PERFORM signet_audit('tokens_revoked', kind, old_row ->> TG_ARGV[1], client, jsonb_build_object('tokens_revoked_before', new_row -> 'tokens_revoked_before'));
  END IF;
  RETURN NULL;
END $$;

DO $$
DECLARE
  audited RECORD;
BEGIN
  FOR audited IN SELECT * FROM (VALUES
    ('organizations', 'organization', 'id', '(OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL) OR NEW.tokens_revoked_before IS DISTINCT FROM OLD.tokens_revoked_before'),
    ('clients', 'client', 'id', '(OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL) OR NEW.tokens_revoked_before IS DISTINCT FROM OLD.tokens_revoked_before'),
    ('client_secrets', 'secret', 'id', '(OLD.disabled_at IS NULL) <> (NEW.disabled_at IS NULL) OR OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL'),
    ('client_keys', 'client_key', 'kid', 'OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL'),
    ('signing_keys', 'signing_key', 'kid', 'OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL')
  ) AS tables (table_name, kind, id_column, is_act)
  LOOP
    EXECUTE format('CREATE TRIGGER audit AFTER UPDATE ON %I FOR EACH ROW WHEN (%s)
      EXECUTE FUNCTION signet_audit_row(%L, %L)', audited.table_name, audited.is_act, audited.kind, audited.id_column);
    EXECUTE format('CREATE TRIGGER audit_deleted AFTER DELETE ON %I FOR EACH ROW
      EXECUTE FUNCTION signet_audit_row(%L, %L)', audited.table_name, audited.kind, audited.id_column);
  END LOOP;
END $$;

-- A token that is revoked by itself. What a trigger revokes follows from an act that has a record of its own already. Ranges
-- are what a restored database knows nothing of: one record for each list.
CREATE FUNCTION "signet_audit_revoked_indexes"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM signet_audit('revoked', 'token', list_id || '/' || first_index, (
      SELECT client_id FROM status_blocks b WHERE b.list_id = i.list_id AND b.first_index <= i.first_index AND i.first_index <= b.last_index
      ORDER BY b.first_index DESC LIMIT 1
    ), NULL) FROM inserted i WHERE first_index = last_index;
  PERFORM signet_audit('revoked', 'status_list', list_id, NULL, jsonb_build_object('ranges', count(*), 'indexes', sum(last_index - first_index + 1)))
    FROM inserted WHERE first_index < last_index GROUP BY list_id;
  RETURN NULL;
END $$;
CREATE TRIGGER "audit" AFTER INSERT ON "revoked_indexes" REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION "signet_audit_revoked_indexes"();

-- Likewise, of an earlier version.
CREATE FUNCTION "signet_audit_revoked_token"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM signet_audit('revoked', 'token', NEW.jti, NEW.client_id, NULL);
  RETURN NULL;
END $$;
CREATE TRIGGER "audit" AFTER INSERT ON "revoked_tokens" FOR EACH ROW EXECUTE FUNCTION "signet_audit_revoked_token"();
