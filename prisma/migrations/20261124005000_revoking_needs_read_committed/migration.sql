-- What stops an owner of blocks has to see every block that was leased before it took the owner's row. Under READ COMMITTED
-- each statement of a trigger does. Under a stricter isolation it sees the state of the transaction's first statement, so
-- that a lease of the meantime would be overlooked, and nothing would ever revoke its tokens: such a transaction is refused.
CREATE FUNCTION "signet_need_read_committed"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE EXCEPTION 'what revokes tokens needs a transaction that is READ COMMITTED';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "revoked_indexes_need_read_committed" BEFORE INSERT ON "revoked_indexes"
  FOR EACH STATEMENT EXECUTE FUNCTION "signet_need_read_committed"();
