CREATE TABLE "requested_records" (
	"run_id" uuid NOT NULL,
	"link_id" uuid NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"position" integer NOT NULL,
	"revision" bigint NOT NULL,
	"outcome" text,
	"settled" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "requested_records_run_id_side_external_id_pk" PRIMARY KEY("run_id","side","external_id")
);
--> statement-breakpoint
ALTER TABLE "requested_records" ADD CONSTRAINT "requested_records_link_id_links_id_fk" FOREIGN KEY ("link_id") REFERENCES "public"."links"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "requested_records_open" ON "requested_records" USING btree ("link_id","side","external_id") WHERE not settled;