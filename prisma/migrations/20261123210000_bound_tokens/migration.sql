-- Whether a client's tokens are bound to the key of a DPoP proof. A token of the version before is bound to none, as
-- before: the clients that there are send no proofs.
CREATE TYPE "dpop_setting" AS ENUM ('off', 'allowed', 'required');
ALTER TABLE "clients" ADD COLUMN "dpop" "dpop_setting" NOT NULL DEFAULT 'allowed';
