CREATE TABLE "absences" (
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"last_listing" uuid NOT NULL,
	"listings" integer DEFAULT 1 NOT NULL,
	"first_missing" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "absences_link_id_side_external_id_pk" PRIMARY KEY("link_id","side","external_id")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "scan_listing" (
	"listing_id" uuid NOT NULL,
	"external_id" text NOT NULL,
	CONSTRAINT "scan_listing_listing_id_external_id_pk" PRIMARY KEY("listing_id","external_id")
);
--> statement-breakpoint
ALTER TABLE "pairs" ADD COLUMN "gone_side" text;--> statement-breakpoint
ALTER TABLE "pairs" ADD COLUMN "gone_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "pairs" ADD COLUMN "gone_outcome" text;--> statement-breakpoint
ALTER TABLE "scan_epochs" ADD COLUMN "run_id" uuid;--> statement-breakpoint
ALTER TABLE "scan_epochs" ADD COLUMN "escaped" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "scan_epochs" ADD COLUMN "absent" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "scan_epochs" ADD COLUMN "braked" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "overlap_seconds" integer;--> statement-breakpoint
ALTER TABLE "absences" ADD CONSTRAINT "absences_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "scan_epochs_link" ON "scan_epochs" USING btree ("link_id","side","started_at");