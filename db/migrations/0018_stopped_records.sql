ALTER TABLE "stopped_records" DROP CONSTRAINT "stopped_records_endpoint_pair_id_entity_type_side_external_id_pk";--> statement-breakpoint
ALTER TABLE "stopped_records" ADD CONSTRAINT "stopped_records_pk" PRIMARY KEY("endpoint_pair_id","entity_type","side","external_id");--> statement-breakpoint
ALTER TABLE "records" ADD COLUMN "looked_by" uuid[];