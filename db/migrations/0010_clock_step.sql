ALTER TABLE "scan_positions" ADD COLUMN "clock_time" text;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "clock_date" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "clock_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "scan_positions" ADD COLUMN "clock_ceiling" text;