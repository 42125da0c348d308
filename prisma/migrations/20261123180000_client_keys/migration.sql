-- Public keys of clients that sign assertions, where to fetch them instead, and until when a client may name the token
-- endpoint as the audience of its assertions. Only additions: the version before goes on serving beside this one.
CREATE TABLE "client_keys" (
  "client_id" TEXT NOT NULL,
  "kid" TEXT NOT NULL,
  "algorithm" TEXT NOT NULL,
  "jwk" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3),
  "revoked_at" TIMESTAMPTZ(3),
  "managed_by" TEXT,
  CONSTRAINT "client_keys_pkey" PRIMARY KEY ("client_id", "kid"),
  CONSTRAINT "client_keys_are_public" CHECK (NOT "jwk" ?| ARRAY['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']),
  CONSTRAINT "client_keys_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE
);
ALTER TABLE "clients" ADD COLUMN "jwks_uri" TEXT, ADD COLUMN "accepts_endpoint_audience_until" TIMESTAMPTZ(3);

-- Like a secret, a key that was revoked stays revoked, whoever writes.
CREATE TRIGGER "client_keys_keep_revoked" BEFORE UPDATE ON "client_keys"
  FOR EACH ROW EXECUTE FUNCTION "signet_keep_secret_revoked"();

CREATE TRIGGER feed_lock BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON "client_keys"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_lock();
CREATE TRIGGER feed_append AFTER INSERT OR UPDATE OR DELETE ON "client_keys"
  FOR EACH ROW EXECUTE FUNCTION signet_feed_append('client', 'client_id');
CREATE TRIGGER feed_truncated AFTER TRUNCATE ON "client_keys"
  FOR EACH STATEMENT EXECUTE FUNCTION signet_feed_truncated();
