-- JWT clients, whose tokens name a player, and the sealed secrets that their assertions are checked with. Only
-- additions: to the version before every client is a service client, which asks for no player.

CREATE TYPE "client_type" AS ENUM ('service', 'jwt');

ALTER TABLE "clients" ADD COLUMN "type" "client_type" NOT NULL DEFAULT 'service';
ALTER TABLE "client_secrets" ADD COLUMN "sealed_secret" TEXT;

-- Whom its tokens are about is what an API relies on.
CREATE FUNCTION "signet_keep_client_type"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  RAISE EXCEPTION 'the type of a client stays for good: make another client' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "clients_keep_type" BEFORE UPDATE ON "clients"
  FOR EACH ROW WHEN (NEW.type <> OLD.type) EXECUTE FUNCTION "signet_keep_client_type"();

-- A secret can be recovered only where assertions are checked with it, and only until it is revoked, whoever writes.
CREATE FUNCTION "signet_needs_sealed_secrets"(the_type "client_type", methods TEXT[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT 'client_secret_jwt' = ANY (methods) OR (the_type = 'jwt' AND methods && ARRAY['client_secret_basic', 'client_secret_post'])
$$;
CREATE FUNCTION "signet_forget_sealed_secret"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.revoked_at IS NOT NULL OR NOT EXISTS (
    SELECT FROM clients WHERE id = NEW.client_id AND signet_needs_sealed_secrets(type, authentication_methods)
  ) THEN
    NEW.sealed_secret := NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "client_secrets_forget_sealed" BEFORE INSERT OR UPDATE ON "client_secrets"
  FOR EACH ROW WHEN (NEW.sealed_secret IS NOT NULL) EXECUTE FUNCTION "signet_forget_sealed_secret"();

CREATE FUNCTION "signet_forget_sealed_secrets"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE client_secrets SET sealed_secret = NULL WHERE client_id = NEW.id AND sealed_secret IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER "clients_forget_sealed_secrets" AFTER UPDATE ON "clients"
  FOR EACH ROW WHEN (signet_needs_sealed_secrets(OLD.type, OLD.authentication_methods)
    AND NOT signet_needs_sealed_secrets(NEW.type, NEW.authentication_methods))
  EXECUTE FUNCTION "signet_forget_sealed_secrets"();
