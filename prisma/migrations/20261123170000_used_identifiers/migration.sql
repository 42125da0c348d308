-- What may be used once only: the identifiers of assertions and proofs. The primary key is the guard: of several
-- uses at the same moment, in whatever processes, one inserts. No feed: nobody keeps these rows in memory.
CREATE TABLE "used_identifiers" (
  "owner" TEXT NOT NULL,
  "digest" BYTEA NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "used_identifiers_pkey" PRIMARY KEY ("owner", "digest")
);
CREATE INDEX "used_identifiers_expires_at_idx" ON "used_identifiers" ("expires_at");
