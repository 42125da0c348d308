-- What clients authenticate with: when it was used, and how many tokens were issued for it. Processes add to it about once a
-- minute, so it is no part of "client_secrets" and "client_keys", whose changes every process is told of.
CREATE TABLE "credential_usage" (
  "client_id" TEXT NOT NULL,
  "credential" TEXT NOT NULL,
  "secret_id" TEXT,
  "kid" TEXT,
  "recorded_since" TIMESTAMPTZ(3),
  "first_used_at" TIMESTAMPTZ(3),
  "last_used_at" TIMESTAMPTZ(3),
  "tokens_minted" BIGINT NOT NULL DEFAULT 0,
  "warned_at" TIMESTAMPTZ(3),
  CONSTRAINT "credential_usage_pkey" PRIMARY KEY ("client_id", "credential"),
  CONSTRAINT "credential_usage_names_its_secret" CHECK ("secret_id" IS NOT DISTINCT FROM CASE WHEN "credential" LIKE 'secret:%' THEN substr("credential", 8) END),
  CONSTRAINT "credential_usage_names_its_key" CHECK ("kid" IS NOT DISTINCT FROM CASE WHEN "credential" LIKE 'key:%' THEN substr("credential", 5) END),
  CONSTRAINT "credential_usage_client_id_fkey" FOREIGN KEY ("client_id") REFERENCES "clients" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "credential_usage_secret_id_fkey" FOREIGN KEY ("secret_id") REFERENCES "client_secrets" ("id")
    ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "credential_usage_client_id_kid_fkey" FOREIGN KEY ("client_id", "kid") REFERENCES "client_keys" ("client_id", "kid")
    ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "credential_usage_secret_id_idx" ON "credential_usage" ("secret_id");

-- Of what there is already nobody knows whether it was used: that is not the same as never.
INSERT INTO "credential_usage" ("client_id", "credential", "secret_id", "recorded_since")
  SELECT "client_id", 'secret:' || "id", "id", CURRENT_TIMESTAMP FROM "client_secrets";
INSERT INTO "credential_usage" ("client_id", "credential", "kid", "recorded_since")
  SELECT "client_id", 'key:' || "kid", "kid", CURRENT_TIMESTAMP FROM "client_keys";
