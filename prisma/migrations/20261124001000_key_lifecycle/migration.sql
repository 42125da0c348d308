-- Keys remember the longest lifetime that their tokens may have, so that they stay published for as long as that and no
-- longer. Existing keys get the longest that there ever was: nobody knows what their tokens were given.
ALTER TABLE "signing_keys" ADD COLUMN "longest_token_seconds" INTEGER NOT NULL DEFAULT 2592000;

-- What a key begins with. 90000 is what clients and resources without a lifetime of their own have.
CREATE FUNCTION "signet_key_made"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  NEW.longest_token_seconds := greatest(90000,
    (SELECT max(access_token_ttl_seconds) FROM clients), (SELECT max(access_token_ttl_seconds) FROM resources));
  RETURN NEW;
END $$;
CREATE TRIGGER "signing_keys_made" BEFORE INSERT ON "signing_keys"
  FOR EACH ROW EXECUTE FUNCTION "signet_key_made"();

-- A lifetime that is raised counts for every key that may sign from now on; one that is lowered does not, for there may
-- be tokens that got the longer one. A key that another one took over from a day ago signs nothing any more, whatever
-- clock one goes by and however long a process has been cut off (STALE_LIMIT_SECONDS is a day at most).
CREATE FUNCTION "signet_lifetime_raised"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE signing_keys AS key SET longest_token_seconds = NEW.access_token_ttl_seconds
    WHERE longest_token_seconds < NEW.access_token_ttl_seconds AND withdrawn_at IS NULL AND NOT EXISTS (
      SELECT FROM signing_keys AS later
      WHERE later.environment = key.environment AND later.algorithm = key.algorithm AND later.withdrawn_at IS NULL
        AND later.activates_at > key.activates_at AND later.activates_at < clock_timestamp() - interval '1 day');
  RETURN NULL;
END $$;
CREATE TRIGGER "clients_lifetime_raised" AFTER INSERT OR UPDATE OF "access_token_ttl_seconds" ON "clients"
  FOR EACH ROW WHEN (NEW."access_token_ttl_seconds" > 90000) EXECUTE FUNCTION "signet_lifetime_raised"();
CREATE TRIGGER "resources_lifetime_raised" AFTER INSERT OR UPDATE OF "access_token_ttl_seconds" ON "resources"
  FOR EACH ROW WHEN (NEW."access_token_ttl_seconds" > 90000) EXECUTE FUNCTION "signet_lifetime_raised"();

-- A key that was withdrawn stays withdrawn, whoever writes.
CREATE FUNCTION "signet_key_changed"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF OLD.withdrawn_at IS NOT NULL THEN
    NEW.withdrawn_at := OLD.withdrawn_at;
  END IF;
  NEW.longest_token_seconds := greatest(NEW.longest_token_seconds, OLD.longest_token_seconds);
  RETURN NEW;
END $$;
CREATE TRIGGER "signing_keys_changed" BEFORE UPDATE ON "signing_keys"
  FOR EACH ROW EXECUTE FUNCTION "signet_key_changed"();

-- Everything is sealed under one master key, the one of "sealed_values": whoever read that before the master key was
-- rotated, and writes afterwards, would seal under a key that is going to be thrown away. The argument is the column.
CREATE FUNCTION "signet_one_master_key"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  used TEXT := split_part(to_jsonb(NEW) ->> TG_ARGV[0], '.', 2);
  wanted TEXT := (SELECT split_part(envelope, '.', 2) FROM sealed_values LIMIT 1);
BEGIN
  IF used <> wanted THEN -- NULL for what is not sealed, and in a database in which nothing is
    RAISE EXCEPTION 'sealed under the master key %, and the master key of this database is %', used, wanted;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "signing_keys_one_master_key" BEFORE INSERT OR UPDATE OF "sealed_private_key" ON "signing_keys"
  FOR EACH ROW EXECUTE FUNCTION "signet_one_master_key"('sealed_private_key');
CREATE TRIGGER "client_secrets_one_master_key" BEFORE INSERT OR UPDATE OF "sealed_secret" ON "client_secrets"
  FOR EACH ROW EXECUTE FUNCTION "signet_one_master_key"('sealed_secret');
