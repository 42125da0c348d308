-- Which token was exchanged for which (RFC 8693), so that a token dies with the one that it was derived from; and which
-- resources a client may exchange tokens for. Only additions: the version before makes no such tokens.

CREATE TABLE "exchanged_tokens" (
  "jti" TEXT NOT NULL,
  "subject_jti" TEXT NOT NULL,
  "client_id" TEXT NOT NULL,
  "organization_id" TEXT NOT NULL,
  "issued_at" TIMESTAMPTZ(3) NOT NULL,
  "kid" TEXT NOT NULL,
  "resource_id" TEXT NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "exchanged_tokens_pkey" PRIMARY KEY ("jti")
);
CREATE INDEX "exchanged_tokens_expires_at_idx" ON "exchanged_tokens" ("expires_at");

ALTER TABLE "clients" ADD COLUMN "exchange_resources" TEXT[];

-- Nothing is derived from a token that was killed, by whatever process, before this transaction took the writers' lock:
-- each statement of this function sees all that was committed by then. The row is left out, and no token is issued.
CREATE FUNCTION "signet_refuse_dead_subject"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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
  ) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "exchanged_tokens_refuse_dead_subject" BEFORE INSERT ON "exchanged_tokens"
  FOR EACH ROW EXECUTE FUNCTION "signet_refuse_dead_subject"();

CREATE TRIGGER feed_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "exchanged_tokens"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_lock();
CREATE TRIGGER feed_append AFTER INSERT OR UPDATE OR DELETE ON "exchanged_tokens"
  FOR EACH ROW EXECUTE FUNCTION signet_feed_append('exchanged_token', 'jti');
CREATE TRIGGER feed_truncated AFTER TRUNCATE ON "exchanged_tokens"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_truncated();

-- An id that comes back, out of a backup or by hand, brings no permission with it.
CREATE FUNCTION "signet_forget_exchange_resource"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE clients SET exchange_resources = array_remove(exchange_resources, OLD.id) WHERE OLD.id = ANY (exchange_resources);
  RETURN NULL;
END $$;
CREATE TRIGGER "resources_forget_exchange" AFTER DELETE ON "resources"
  FOR EACH ROW EXECUTE FUNCTION "signet_forget_exchange_resource"();
