-- How tokens for a resource are signed, and whether one token may be for it and for others. Only additions, and what
-- exists stays as it was: signed as the server does by default, and never mixed.
ALTER TABLE "resources" ADD COLUMN "allows_mixing" BOOLEAN NOT NULL DEFAULT false, ADD COLUMN "signing_algorithm" TEXT;
