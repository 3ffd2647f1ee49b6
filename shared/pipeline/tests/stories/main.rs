//! What use cases do, told over fakes of every port: one story per test, one file per subject. All are one program, for each
//! program has the whole pipeline compiled into it.

mod deadlines;
mod explaining;
mod explaining_pushes;
mod generating;
mod generic;
mod history;
mod indexing;
mod lost_in_delivery;
mod lost_in_index;
mod lost_in_removal;
mod never_back;
mod placed;
mod placing;
mod policies;
mod pushing;
mod pushing_between_passes;
mod pushing_side_by_side;
mod pushing_under_faults;
mod receipts;
mod rehearsing;
mod rendering;
mod reviewing;
mod rotation;
mod searching;
mod set_aside;
mod sets;
mod spreading;
mod status;
mod story;
mod surveying;
mod sweeping;
mod targets;
mod windows;
