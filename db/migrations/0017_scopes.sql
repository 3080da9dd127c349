CREATE TABLE "stopped_records" (
	"endpoint_pair_id" uuid NOT NULL,
	"entity_type" text NOT NULL,
	"side" text NOT NULL,
	"external_id" text NOT NULL,
	"twin_id" text,
	"actor" text NOT NULL,
	"reason" text NOT NULL,
	"stopped_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "stopped_records_endpoint_pair_id_entity_type_side_external_id_pk" PRIMARY KEY("endpoint_pair_id","entity_type","side","external_id")
);
--> statement-breakpoint
ALTER TABLE "records" ADD COLUMN "declined_because" text;--> statement-breakpoint
ALTER TABLE "stopped_records" ADD CONSTRAINT "stopped_records_endpoint_pair_id_endpoint_pairs_id_fk" FOREIGN KEY ("endpoint_pair_id") REFERENCES "public"."endpoint_pairs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "records_out_of_scope" ON "records" USING btree ("endpoint_id","entity_type") WHERE declined_because = 'scope';