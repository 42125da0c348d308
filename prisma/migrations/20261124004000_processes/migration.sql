-- The processes that serve, and how far each has read the change feed: so that whoever revokes something can see when
-- it is in force everywhere. Not part of the feed: nobody's memory depends on it.
CREATE TABLE "processes" (
  "id" TEXT NOT NULL,
  "host" TEXT NOT NULL,
  "pid" INTEGER NOT NULL,
  "stale_limit_seconds" INTEGER NOT NULL,
  "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "position" BIGINT NOT NULL,
  "position_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "processes_pkey" PRIMARY KEY ("id")
);
