-- Whether a client's tokens are bound to its TLS certificate. Those of the version before are bound to none.
ALTER TABLE "clients" ADD COLUMN "certificate_bound_tokens" BOOLEAN NOT NULL DEFAULT false;
