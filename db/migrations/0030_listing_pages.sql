-- A listing under way begins again.
DELETE FROM "scan_listing";--> statement-breakpoint
ALTER TABLE "scan_listing" DROP CONSTRAINT "scan_listing_listing_id_external_id_pk";--> statement-breakpoint
ALTER TABLE "scan_listing" ADD COLUMN "external_ids" text[] NOT NULL;--> statement-breakpoint
CREATE INDEX "scan_listing_of" ON "scan_listing" USING btree ("listing_id");--> statement-breakpoint
ALTER TABLE "scan_listing" DROP COLUMN "external_id";