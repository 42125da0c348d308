-- Where the key that signs is withdrawn or deleted by hand and none takes over, an earlier one signs again, with the
-- lifetimes of now: those that were raised after it had retired have not counted for it.
CREATE FUNCTION "signet_key_gone"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  longest INTEGER := greatest(90000, (SELECT max(access_token_ttl_seconds) FROM clients), (SELECT max(access_token_ttl_seconds) FROM resources));
BEGIN
  UPDATE signing_keys SET longest_token_seconds = longest
    WHERE environment = OLD.environment AND algorithm = OLD.algorithm AND withdrawn_at IS NULL AND longest_token_seconds < longest;
  RETURN NULL;
END $$;
CREATE TRIGGER "signing_keys_withdrawn" AFTER UPDATE OF "withdrawn_at" ON "signing_keys"
  FOR EACH ROW WHEN (OLD."withdrawn_at" IS NULL AND NEW."withdrawn_at" IS NOT NULL) EXECUTE FUNCTION "signet_key_gone"();
CREATE TRIGGER "signing_keys_deleted" AFTER DELETE ON "signing_keys"
  FOR EACH ROW EXECUTE FUNCTION "signet_key_gone"();
