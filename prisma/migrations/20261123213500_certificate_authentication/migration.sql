-- How a certificate authenticates a client: by the subject that an authority vouches for, or as one of those registered.
ALTER TABLE "clients" ADD COLUMN "certificate_subject" TEXT, ADD COLUMN "certificate_thumbprints" TEXT[];
